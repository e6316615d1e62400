// SPDX-License-Identifier: Apache-2.0

/// Reads the fields of one message from borrowed bytes, front to back, without allocating.
///
/// After an error the reader stands somewhere inside the message and is of no further use.
@usableFromInline
package struct WireReader: ~Escapable {
    /// Messages and groups that may be nested in the outermost message.
    @inlinable
    package static var nestingMax: Int { 100 }

    /// The whole outermost message; ``ByteRange`` offsets count from its start.
    @usableFromInline package let bytes: Span<UInt8>
    /// Offset of the next byte to read.
    @usableFromInline package internal(set) var position: Int
    /// Offset at which this message ends.
    @usableFromInline package internal(set) var end: Int
    /// The number of the field whose tag was read last.
    @usableFromInline package internal(set) var field: UInt32 = 0
    /// How many more levels may be nested.
    @usableFromInline var budget: Int

    /// A reader of the message that is all of `bytes`.
    @inlinable
    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>) {
        self.bytes = bytes
        position = 0
        end = bytes.count
        budget = Self.nestingMax
    }

    /// A reader of the part of `bytes` that was kept as `range`: a nested message, or packed values.
    ///
    /// Offsets still count from the start of `bytes`. Traps if `range` is not within them.
    @inlinable
    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>, in range: ByteRange) {
        precondition(range.offset >= 0)
        precondition(range.count >= 0)
        precondition(range.offset <= bytes.count - range.count)
        self.bytes = bytes
        position = range.offset
        end = range.offset + range.count
        budget = Self.nestingMax
    }

    @usableFromInline
    @_lifetime(copy parent)
    init(_ range: ByteRange, of parent: WireReader, budget: Int) {
        bytes = parent.bytes
        position = range.offset
        end = range.offset + range.count
        field = parent.field
        self.budget = budget
    }

    /// Whether the message ends here.
    @inlinable
    package var isAtEnd: Bool { position == end }

    /// Reads the next tag; nil at the end of the message.
    @inlinable
    package mutating func next() throws(WireError) -> WireTag? {
        guard position < end else { return nil }
        let rawValue = try tag()
        guard let tag = WireTag(rawValue: rawValue), tag.field > 0 else {
            throw .invalidTag(field: field)
        }
        field = tag.field
        if tag.type == .endGroup { throw .unmatchedGroup(field: field) }
        return tag
    }

    /// Reads a length and steps over that many bytes.
    @inlinable
    package mutating func byteRange() throws(WireError) -> ByteRange {
        let count = try length()
        guard count <= end - position else { throw .truncated(field: field) }
        let range = ByteRange(offset: position, count: count)
        position += count
        return range
    }

    /// Reads a length and lends that many bytes.
    @inlinable
    @_lifetime(copy self)
    package mutating func span() throws(WireError) -> Span<UInt8> {
        let range = try byteRange()
        return bytes.extracting(range)
    }

    /// Reads a length and makes a reader of the nested message of that many bytes.
    @inlinable
    @_lifetime(copy self)
    package mutating func nested() throws(WireError) -> WireReader {
        guard budget > 0 else { throw .tooDeep(field: field) }
        let range = try byteRange()
        return WireReader(range, of: self, budget: budget - 1)
    }

    /// Reads a length and makes a reader of the packed values in that many bytes.
    @inlinable
    @_lifetime(copy self)
    package mutating func packed() throws(WireError) -> WireReader {
        let range = try byteRange()
        return WireReader(range, of: self, budget: budget)
    }
}
