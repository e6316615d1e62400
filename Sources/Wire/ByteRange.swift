// SPDX-License-Identifier: Apache-2.0

/// A part of a message, to keep where a span's lifetime would be in the way.
@usableFromInline
package struct ByteRange: Equatable, Sendable {
    /// Bytes before it, counted from the start of the whole message.
    @usableFromInline package var offset: Int
    /// Bytes in it.
    @usableFromInline package var count: Int

    /// The range of `count` bytes from `offset` on.
    @inlinable
    package init(offset: Int, count: Int) {
        self.offset = offset
        self.count = count
    }

    /// The range of no bytes.
    @inlinable
    package static var empty: ByteRange { ByteRange(offset: 0, count: 0) }
}

extension Span<UInt8> {
    /// The bytes in `range`; traps if it is not within the span.
    @inlinable
    @_lifetime(copy self)
    package func extracting(_ range: ByteRange) -> Span<UInt8> {
        extracting(range.offset..<range.offset + range.count)
    }
}
