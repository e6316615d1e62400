// SPDX-License-Identifier: Apache-2.0

internal import Base

/// What stays of an erased entity: until which event time its values are gone for ever.
///
/// It is honoured by every merge, so that late writes, loads and restores bring nothing back. It is kept by
/// entity (kind and id), not by row: rows of feature sets that do not exist yet obey it as well.
///
/// ```
///  0  CRC-32C of bytes 4...   UInt32         8  erased until, µs    Int64
///  4  format version, zeros   UInt8, 3      16  sequence            UInt64
///                                           24  receipt             SHA-256
/// ```
package struct Tombstone: Hashable, Sendable {
    /// The version of the format above.
    static let formatVersion: UInt8 = 1
    /// Bytes of a tombstone: a multiple of 8.
    package static let byteCount = 56

    /// Values with an event time up to this one are gone; microseconds.
    package let erasedUntil: Int64
    /// The sequence of the write that erased.
    package let sequence: UInt64
    /// The receipt's id: 32 bytes.
    package let receipt: [UInt8]

    /// A tombstone; `receipt` has 32 bytes.
    package init(erasedUntil: Int64, sequence: UInt64, receipt: [UInt8]) {
        precondition(receipt.count == 32)
        self.erasedUntil = erasedUntil
        self.sequence = sequence
        self.receipt = receipt
    }

    /// Reads a stored tombstone.
    package init(_ bytes: Span<UInt8>) throws(RowDamage) {
        guard
            bytes.count == Self.byteCount,
            bytes.load(at: 0, as: UInt32.self)
                == CRC32C.checksum(bytes.extracting(droppingFirst: 4))
        else { throw .damaged }
        guard bytes[4] == Self.formatVersion else { throw .unknownLayout }
        erasedUntil = bytes.load(at: 8)
        sequence = bytes.load(at: 16)
        receipt = (24..<Self.byteCount).map { bytes[$0] }
    }

    /// The tombstone as it is stored.
    package var encoded: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.byteCount)
        bytes.replaceSubrange(24..., with: receipt)
        var span = bytes.mutableSpan
        span[4] = Self.formatVersion
        span.store(erasedUntil, at: 8)
        span.store(sequence, at: 16)
        let checksum = CRC32C.checksum(span.span.extracting(droppingFirst: 4))
        span.store(checksum, at: 0)
        return bytes
    }

    /// What two erasures of one entity come to: the later time, and at equal times the later write.
    package func merged(with other: Tombstone) -> Tombstone {
        (erasedUntil, sequence) >= (other.erasedUntil, other.sequence) ? self : other
    }
}
