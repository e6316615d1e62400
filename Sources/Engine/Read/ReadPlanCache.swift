// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Features

/// The selections that a loop's requests asked for lately, by their bytes.
///
/// They hold for one configuration. A place is one of two that the bytes' hash names; a new selection takes
/// that of an older one. Together they take at most ``ReadLimits/plansByteCountMax``.
struct ReadPlanCache: ~Copyable {
    private struct Entry {
        let hash: UInt32
        let bytes: [UInt8]
        let selection: ReadSelection
    }

    /// A power of two.
    static let placeCount = 256

    private var entries: [Entry?] = Array(repeating: nil, count: placeCount)
    private var byteCount = 0

    /// The selection of these bytes; nil if it was not asked for lately.
    func selection(of bytes: Span<UInt8>) -> ReadSelection? {
        guard byteCount > 0 else { return nil }
        let hash = CRC32C.checksum(bytes)
        let place = Int(hash) & (Self.placeCount - 1)
        for place in [place, place ^ 1] {
            guard let entry = entries[place], entry.hash == hash,
                entry.bytes.span.hasSameBytes(as: bytes)
            else { continue }
            return entry.selection
        }
        return nil
    }

    /// Keeps the selection of these bytes, unless it takes more memory than all may.
    mutating func keep(_ selection: ReadSelection, of bytes: Span<UInt8>) {
        let taken = bytes.count + selection.plan.byteCount
        guard taken <= ReadLimits.plansByteCountMax else { return }
        let hash = CRC32C.checksum(bytes)
        var place = Int(hash) & (Self.placeCount - 1)
        if entries[place] != nil { place ^= 1 }
        if let old = entries[place] { byteCount -= old.bytes.count + old.selection.plan.byteCount }
        entries[place] = nil
        if byteCount + taken > ReadLimits.plansByteCountMax { removeAll() }
        entries[place] = Entry(
            hash: hash, bytes: bytes.indices.map { bytes[$0] }, selection: selection)
        byteCount += taken
    }

    /// Forgets all.
    mutating func removeAll() {
        guard byteCount > 0 else { return }
        for place in entries.indices { entries[place] = nil }
        byteCount = 0
    }
}
