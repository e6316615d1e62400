// SPDX-License-Identifier: Apache-2.0

internal import Base

/// The key of a row, built in memory that is used for key after key.
///
/// ```
/// number of the list of kinds  UInt16 | id, 0 | id, 0 ... | zeros | feature set  UInt32
/// ```
///
/// Integers are big-endian and the length is a multiple of 8. An id has no zero byte, so no key's ids are
/// a prefix of another's: all rows of an entity share all but the last four bytes, and lie together.
/// A key of several kinds (customer and product) starts with the first one's id: all rows of a customer
/// with any product lie together, too, and ``prefix`` finds them.
///
/// Ids that are too long together are refused, and not hashed: keys stay legible, a scan or an erasure
/// needs no other table, and four UUIDs take only a third of the room.
///
/// ```swift
/// try key.start(kindsID: set.newest.kindsID)
/// try key.append("s-81")
/// try key.finish(setID: set.id)
/// transaction.value(forKey: key.bytes, in: rows)
/// ```
package struct RowKey: ~Copyable {
    var buffer = ByteBuffer(capacity: FeatureLimits.keyByteCountMax)

    /// An empty key, with room for the longest.
    package init() {}

    /// The key, once finished.
    package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { buffer.bytes }
    }

    /// What the keys of all rows with the ids so far start with, before it is finished.
    package var prefix: Span<UInt8> {
        @_lifetime(borrow self)
        get { buffer.bytes }
    }

    /// Begins a key of that list of entity kinds.
    package mutating func start(kindsID: UInt16) {
        buffer.removeAll()
        buffer.append(UInt8(truncatingIfNeeded: kindsID >> 8))
        buffer.append(UInt8(truncatingIfNeeded: kindsID))
    }

    /// Appends the id of the next kind.
    package mutating func append(_ id: String) throws(RowKeyError) {
        try append(validUTF8: id.utf8Span.span)
    }

    /// Appends the id of the next kind, whose bytes come from outside.
    package mutating func append(utf8 id: Span<UInt8>) throws(RowKeyError) {
        // Length first, so that a hostile id costs nothing.
        guard id.count <= FeatureLimits.idByteCountMax else { throw .idTooLong }
        guard (try? UTF8Span(validating: id)) != nil else { throw .idNotUTF8 }
        try append(validUTF8: id)
    }

    /// Appends the id of the next kind, whose bytes are known to be UTF-8.
    package mutating func append(validUTF8 id: Span<UInt8>) throws(RowKeyError) {
        guard !id.isEmpty else { throw .emptyID }
        guard id.count <= FeatureLimits.idByteCountMax else { throw .idTooLong }
        for index in id.indices where id[index] == 0 { throw .idHasNUL }
        buffer.append(id)
        buffer.append(0)
    }

    /// Ends the key with the feature set.
    package mutating func finish(setID: UInt32) throws(RowKeyError) {
        let byteCount = (buffer.count + 4 + 7) & ~7
        guard byteCount <= FeatureLimits.keyByteCountMax else { throw .keyTooLong }
        buffer.appendZeros(byteCount - buffer.count)
        replaceSet(setID)
    }

    /// Makes a finished key that of another feature set of the same entity.
    package mutating func replaceSet(_ setID: UInt32) {
        let start = buffer.count - 4
        var bytes = buffer.mutableBytes
        for index in 0..<4 {
            bytes[start + index] = UInt8(truncatingIfNeeded: setID >> ((3 - index) * 8))
        }
    }
}
