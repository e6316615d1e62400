// SPDX-License-Identifier: Apache-2.0

/// A row's key, read in place: what a scan finds.
package struct RowKeyView: ~Escapable {
    private let bytes: Span<UInt8>
    /// The number of the list of entity kinds.
    package let kindsID: UInt16
    /// The number of the feature set.
    package let setID: UInt32

    /// Reads a key; nil if it is too short or its length is no multiple of 8.
    @_lifetime(copy bytes)
    package init?(_ bytes: Span<UInt8>) {
        guard bytes.count >= 8, bytes.count & 7 == 0 else { return nil }
        self.bytes = bytes
        kindsID = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        var set: UInt32 = 0
        for index in bytes.count - 4..<bytes.count { set = set << 8 | UInt32(bytes[index]) }
        setID = set
    }

    /// Where in the key the id of the kind at `place` lies; nil if the key has fewer.
    ///
    /// - Complexity: O(bytes of the key).
    package func idRange(_ place: Int) -> Range<Int>? {
        var start = 2
        var current = 0
        while start < bytes.count - 4, bytes[start] != 0 {
            var end = start
            while end < bytes.count - 4, bytes[end] != 0 { end += 1 }
            if current == place { return start..<end }
            start = end + 1
            current += 1
        }
        return nil
    }

    /// Whether the id of the kind at `place` is `id`.
    package func hasID(_ id: Span<UInt8>, at place: Int) -> Bool {
        guard let range = idRange(place), range.count == id.count else { return false }
        for index in id.indices where bytes[range.lowerBound + index] != id[index] { return false }
        return true
    }
}
