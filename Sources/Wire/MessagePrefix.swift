// SPDX-License-Identifier: Apache-2.0

public import Base

/// The five bytes before every gRPC message: a flag, then the length in big-endian order.
@usableFromInline
package struct MessagePrefix: Equatable, Sendable {
    /// Bytes of a prefix.
    @inlinable
    package static var byteCount: Int { 5 }

    /// Whether the message is compressed.
    @usableFromInline package var isCompressed: Bool
    /// Bytes of the message.
    @usableFromInline package var messageByteCount: UInt32

    /// The prefix of a message of that many bytes.
    @inlinable
    package init(isCompressed: Bool = false, messageByteCount: UInt32) {
        self.isCompressed = isCompressed
        self.messageByteCount = messageByteCount
    }

    /// Reads the prefix at the start of `bytes`; nil if there are fewer than five.
    ///
    /// Throws ``WireError/invalidTag(field:)`` if the flag is neither 0 nor 1.
    @inlinable
    package init?(_ bytes: Span<UInt8>) throws(WireError) {
        guard bytes.count >= Self.byteCount else { return nil }
        guard bytes[0] <= 1 else { throw .invalidTag(field: 0) }
        isCompressed = bytes[0] == 1
        messageByteCount =
            UInt32(bytes[1]) << 24 | UInt32(bytes[2]) << 16 | UInt32(bytes[3]) << 8
            | UInt32(bytes[4])
    }
}

extension WireWriter {
    /// Starts a gRPC message; hand what it returns to ``endPrefixed(_:)``.
    @inlinable
    package mutating func beginPrefixed() -> Int {
        buffer.appendZeros(MessagePrefix.byteCount)
        return buffer.count
    }

    /// Ends the gRPC message whose content started at `start`.
    @inlinable
    package mutating func endPrefixed(_ start: Int) {
        precondition(start >= MessagePrefix.byteCount)
        let byteCount = UInt32(buffer.count - start)
        var bytes = buffer.mutableBytes
        bytes[start - 4] = UInt8(truncatingIfNeeded: byteCount >> 24)
        bytes[start - 3] = UInt8(truncatingIfNeeded: byteCount >> 16)
        bytes[start - 2] = UInt8(truncatingIfNeeded: byteCount >> 8)
        bytes[start - 1] = UInt8(truncatingIfNeeded: byteCount)
    }

    /// Writes `message` with its prefix.
    @inlinable
    package mutating func prefixed<Message: WireMessage>(_ message: Message) {
        let start = beginPrefixed()
        message.encode(into: &self)
        endPrefixed(start)
    }
}
