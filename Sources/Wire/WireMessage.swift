// SPDX-License-Identifier: Apache-2.0

/// A message that can be read from bytes and written to bytes.
@usableFromInline
package protocol WireMessage: Sendable {
    /// The message's full proto name, "kassa.v1.ScoreRequest".
    static var protoName: String { get }
    /// A message whose fields have their default values.
    init()
    /// Reads fields until `reader` ends: the last of several wins, nested messages are merged.
    mutating func merge(from reader: inout WireReader) throws(WireError)
    /// Writes the fields that differ from their defaults, in the order of their numbers.
    func encode(into writer: inout WireWriter)
}

extension WireMessage {
    /// The message that `bytes` are.
    @inlinable
    package init(decoding bytes: Span<UInt8>) throws(WireError) {
        self.init()
        var reader = WireReader(bytes)
        try merge(from: &reader)
    }
}

/// An open enumeration: any number may arrive, and is kept.
@usableFromInline
package protocol WireEnum: RawRepresentable<Int32>, Hashable, Sendable {
    /// The value with this number, whether it has a name or not.
    init(rawValue: Int32)
    /// The value's name in the proto file, or its number where it has none.
    var name: String { get }
}

extension WireReader {
    /// Reads a nested message.
    @inlinable
    package mutating func message<Message: WireMessage>(
        _ type: Message.Type = Message.self
    ) throws(WireError) -> Message {
        var message = Message()
        try merge(into: &message)
        return message
    }

    /// Reads a nested message into one that may already hold fields.
    @inlinable
    package mutating func merge<Message: WireMessage>(
        into message: inout Message
    ) throws(WireError) {
        var reader = try nested()
        try message.merge(from: &reader)
    }

    /// Reads a nested message into one that may already be there.
    @inlinable
    package mutating func merge<Message: WireMessage>(
        into message: inout Message?
    ) throws(WireError) {
        if message == nil { message = Message() }
        try merge(into: &message!)
    }

    /// Reads one entry of a `map<string, string>`; the last entry of a key wins.
    ///
    /// As in upb, an entry that holds an unknown field is itself unknown, and dropped whole.
    package mutating func mapEntry(into map: inout [String: String]) throws(WireError) {
        var reader = try nested()
        var key = ""
        var value = ""
        var isKnown = true
        while let tag = try reader.next() {
            switch tag.rawValue {
            case 10: key = try reader.string()
            case 18: value = try reader.string()
            default:
                try reader.skip(tag)
                isKnown = false
            }
        }
        if isKnown { map[key] = value }
    }
}

extension WireMessage {
    /// The message's bytes, as an array of their own: for control work, not for requests.
    package func encodedBytes() -> [UInt8] {
        var writer = WireWriter()
        encode(into: &writer)
        // Safe: the pointer is used within the closure.
        return unsafe writer.bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
