// SPDX-License-Identifier: Apache-2.0

public import Base

extension WireWriter {
    /// Starts a length-delimited field of unknown length; hand what it returns to ``end(_:)``.
    ///
    /// One byte is kept for the length. A longer length moves the content when it ends.
    @inlinable
    package mutating func begin(_ field: UInt32) -> Int {
        tag(field, .lengthDelimited)
        buffer.append(0)
        return buffer.count
    }

    /// Ends the field whose content started at `start`.
    @inlinable
    package mutating func end(_ start: Int) {
        let length = buffer.count - start
        guard length >= 0x80 else {
            var bytes = buffer.mutableBytes
            bytes[start - 1] = UInt8(truncatingIfNeeded: length)
            return
        }
        insertLength(length, before: start)
    }

    @usableFromInline
    mutating func insertLength(_ length: Int, before start: Int) {
        let byteCount = Self.varintByteCount(UInt64(length))
        buffer.makeGap(at: start, byteCount: byteCount - 1)
        var bytes = buffer.mutableBytes
        var rest = UInt64(length)
        for index in 0..<byteCount {
            let more: UInt8 = index < byteCount - 1 ? 0x80 : 0
            bytes[start - 1 + index] = UInt8(truncatingIfNeeded: rest & 0x7f) | more
            rest >>= 7
        }
    }

    /// Writes a nested message of the fields that `body` writes.
    @inlinable
    package mutating func nested<Failure: Error>(
        _ field: UInt32, _ body: (inout WireWriter) throws(Failure) -> Void
    ) throws(Failure) {
        let start = begin(field)
        try body(&self)
        end(start)
    }

    /// Writes a nested message.
    @inlinable
    package mutating func message<Message: WireMessage>(_ field: UInt32, _ message: Message) {
        let start = begin(field)
        message.encode(into: &self)
        end(start)
    }

    /// Writes a `map<string, string>` field, sorted by key, so that equal maps give equal bytes.
    package mutating func map(_ field: UInt32, _ map: [String: String]) {
        let sorted = map.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        for (key, value) in sorted {
            let start = begin(field)
            string(1, key)
            string(2, value)
            end(start)
        }
    }
}
