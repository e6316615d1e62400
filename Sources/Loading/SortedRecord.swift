// SPDX-License-Identifier: Apache-2.0

/// A record of a run, read in place.
struct SortedRecord: ~Escapable {
    /// The line on which it begins.
    let line: Int
    /// What it is sorted by.
    let key: Span<UInt8>
    /// The record with its line end, or why it is none.
    let bytes: Span<UInt8>
    /// Whether it is no record: ``bytes`` is the reason.
    let isMalformed: Bool

    /// The bit of a line's number in a run that says ``isMalformed``.
    static let malformedBit = UInt64(1) << 63

    /// The record that begins at `start` of a run and lies in `run` whole.
    @_lifetime(copy run)
    init(_ run: Span<UInt8>, at start: Int) {
        let number = run.integer(at: start, byteCount: 8)
        line = Int(truncatingIfNeeded: number & ~Self.malformedBit)
        isMalformed = number & Self.malformedBit != 0
        let keyStart = start + SortRun.headerByteCount
        let keyEnd = keyStart + Int(run.integer(at: start + 12, byteCount: 4))
        key = run.extracting(keyStart..<keyEnd)
        bytes = run.extracting(keyEnd..<keyEnd + Int(run.integer(at: start + 8, byteCount: 4)))
    }

    /// Bytes of the record in its run; nil if `rest` is too short to say.
    static func byteCount(atStartOf rest: Span<UInt8>) -> Int? {
        guard rest.count >= SortRun.headerByteCount else { return nil }
        return SortRun.headerByteCount + Int(rest.integer(at: 8, byteCount: 4))
            + Int(rest.integer(at: 12, byteCount: 4))
    }
}

extension Span<UInt8> {
    /// The little-endian integer of `byteCount` bytes at `offset`.
    fileprivate func integer(at offset: Int, byteCount: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<byteCount { value |= UInt64(self[offset + index]) << (8 * index) }
        return value
    }

    /// Below zero if these bytes come before `other`, above if behind, zero if they are equal.
    func order(before other: Span<UInt8>) -> Int {
        let common = commonPrefixCount(other, atMost: count)
        guard common < count, common < other.count else { return count - other.count }
        return Int(self[common]) - Int(other[common])
    }

    /// Bytes with which both begin, `limit` at most.
    func commonPrefixCount(_ other: Span<UInt8>, atMost limit: Int) -> Int {
        let end = Swift.min(limit, count, other.count)
        var index = 0
        while index < end, self[index] == other[index] { index += 1 }
        return index
    }
}
