// SPDX-License-Identifier: Apache-2.0

internal import Base

/// The key of a row as it was at some event time: the row's key, and the time so that later ones come first.
///
/// The time is 8 bytes, big-endian, with all bits turned over. No row's key is a prefix of another's, so
/// that a scan for a row's key finds its history and nothing else, newest first.
///
/// ```swift
/// key.build(rowKey.bytes, time: asOf)
/// transaction.scan(history, prefix: rowKey.bytes, from: key.bytes) { _, row in ...; return false }
/// ```
package struct HistoryKey: ~Copyable {
    private var buffer = ByteBuffer(capacity: 512)

    /// An empty key, with room for the longest.
    package init() {}

    /// The key that was built last.
    package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { buffer.bytes }
    }

    /// Builds the key of a row at an event time, which is not negative.
    package mutating func build(_ rowKey: Span<UInt8>, time: Int64) {
        buffer.removeAll()
        buffer.append(rowKey)
        let bits = ~UInt64(clamping: time)
        for shift in stride(from: 56, through: 0, by: -8) {
            buffer.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
        }
    }

    /// The row's key within a key of the history; nil if it is none.
    @_lifetime(copy key)
    package static func rowKey(of key: Span<UInt8>) -> Span<UInt8>? {
        key.count >= 16 ? key.extracting(droppingLast: 8) : nil
    }

    /// The event time within a key of the history, in microseconds; nil if it is none.
    package static func time(of key: Span<UInt8>) -> Int64? {
        guard key.count >= 16 else { return nil }
        var bits: UInt64 = 0
        for index in key.count - 8..<key.count { bits = bits << 8 | UInt64(key[index]) }
        return Int64(exactly: ~bits)
    }
}
