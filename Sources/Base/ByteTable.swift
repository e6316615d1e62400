// SPDX-License-Identifier: Apache-2.0

/// A fixed set of strings, looked up by their bytes: categories, names of inputs, names of scorers.
///
/// Open addressing at most half full, with a hash of the whole string beside each entry. A look-up reads
/// the bytes once, allocates nothing and makes no String. Strings longer than the longest entry cost nothing.
@safe package final class ByteTable: @unchecked Sendable {
    // Sendable: nothing changes after init. Safe: `slots` has `mask + 1` elements, and every entry's
    // range lies in `text`.
    private struct Slot {
        var hash: UInt32 = 0
        /// The entry's number plus one; 0 is an empty slot.
        var entry: UInt32 = 0
        var start: UInt32 = 0
        var count: UInt32 = 0
    }

    private let slots: UnsafeMutablePointer<Slot>
    private let mask: Int
    private let text: UnsafeMutablePointer<UInt8>
    private let byteCountMax: Int

    /// A table that gives each string its index. Of equal strings the first counts.
    ///
    /// `strings` together must be shorter than 4 GiB, which the limits of specs ensure.
    package init(_ strings: [String]) {
        var capacity = 8
        while capacity < strings.count * 2 { capacity *= 2 }
        mask = capacity - 1
        unsafe slots = .allocate(capacity: capacity)
        unsafe slots.initialize(repeating: Slot(), count: capacity)
        let byteCount = strings.reduce(0) { $0 + $1.utf8.count }
        unsafe text = .allocate(capacity: max(byteCount, 1))
        unsafe text.initialize(repeating: 0, count: max(byteCount, 1))
        byteCountMax = strings.map(\.utf8.count).max() ?? 0
        var start = 0
        for (index, string) in strings.enumerated() {
            let bytes = string.utf8Span.span
            guard self.index(of: bytes) < 0 else { continue }
            for offset in bytes.indices { unsafe text[start + offset] = bytes[offset] }
            let hash = unsafe bytes.withUnsafeBufferPointer { unsafe Self.hash($0) }
            var place = Int(hash) & mask
            while unsafe slots[place].entry != 0 { place = (place + 1) & mask }
            unsafe slots[place] = Slot(
                hash: hash, entry: UInt32(index) + 1, start: UInt32(start),
                count: UInt32(bytes.count))
            start += bytes.count
        }
    }

    deinit {
        unsafe slots.deallocate()
        unsafe text.deallocate()
    }

    /// The index of the string with these bytes; -1 if there is none.
    package func index(of bytes: Span<UInt8>) -> Int {
        unsafe bytes.withUnsafeBufferPointer { unsafe index(of: $0) }
    }

    /// The same, for bytes that are already lent as a pointer.
    @unsafe
    package func index(of bytes: UnsafeBufferPointer<UInt8>) -> Int {
        guard bytes.count <= byteCountMax else { return -1 }
        let hash = unsafe Self.hash(bytes)
        var place = Int(hash) & mask
        while true {
            let slot = unsafe slots[place]
            guard slot.entry != 0 else { return -1 }
            if unsafe slot.hash == hash && Int(slot.count) == bytes.count
                && equal(bytes, at: Int(slot.start))
            {
                return Int(slot.entry) - 1
            }
            place = (place + 1) & mask
        }
    }

    @inline(__always)
    private func equal(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        for index in 0..<bytes.count where unsafe bytes[index] != text[start + index] {
            return false
        }
        return true
    }

    /// FNV-1a, folded: categories are short.
    @inline(__always)
    private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in 0..<bytes.count {
            unsafe state = (state ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01B3
        }
        return UInt32(truncatingIfNeeded: state ^ (state >> 32))
    }
}
