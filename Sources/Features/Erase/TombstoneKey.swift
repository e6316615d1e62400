// SPDX-License-Identifier: Apache-2.0

internal import Base

/// The key of an entity's tombstone: its kind, a zero, its id, and zeros up to a multiple of 8 (one at least).
///
/// By names and not by numbers of kinds, so that it outlives any feature set.
package struct TombstoneKey: ~Copyable {
    private var buffer = ByteBuffer(capacity: 512)

    /// An empty key, with room for the longest.
    package init() {}

    /// The key that was built last.
    package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { buffer.bytes }
    }

    /// Builds the key of an entity whose kind and id are valid.
    package mutating func build(kind: String, id: Span<UInt8>) {
        buffer.removeAll()
        buffer.append(kind.utf8Span.span)
        buffer.append(0)
        buffer.append(id)
        buffer.appendZeros(8 - buffer.count & 7)
    }
}
