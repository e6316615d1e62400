// SPDX-License-Identifier: Apache-2.0

/// Where each column lies in a row.
///
/// A layout holds the first `columnCount` columns of its feature set, but for dead ones, which no version
/// has any more. Every layout contains the older ones' live columns, so that rewriting a row in the newest
/// layout loses nothing that a version reads. A dead column keeps its number, and takes no slot.
///
/// ```
///  0  CRC-32C of bytes 4...     UInt32        32  presence: 2 bits a column, 64-bit words
///  4  bytes of the row          UInt32            columns of 8 bytes, then of 4, then of 1
///  8  sequence of the write     UInt64            if there are several event times, 8-aligned:
/// 16  latest event time, µs     Int64               the others, latest first, Int64 each
/// 24  layout id                 UInt16              a time number per column (0 the latest), UInt8,
/// 26  format version            UInt8               or UInt16 when there are more than 256 times
/// 27  zero                      UInt8             the tail: strings, vectors, lists, in column order
/// 28  further event times       UInt16            zeros up to a multiple of 8
/// 30  zero                      UInt16
/// ```
///
/// All integers are little-endian. The slot of a value in the tail holds where it ends there (UInt32); it
/// starts where the tail's column before it ends. A string is its UTF-8, a vector its float32s, a list the
/// length (UInt16) and the UTF-8 of each string. Slots of columns without a value are zero, but for those of
/// the tail (the end of the one before). Equal content therefore has equal bytes.
package final class RowLayout: Sendable {
    /// Bytes before the presence words.
    package static let headerByteCount = 32
    /// The version of the format above.
    package static let formatVersion: UInt8 = 1

    /// The number that a row names; 1 is the oldest.
    package let id: UInt16
    /// The type of each column.
    package let types: [FeatureType]
    /// How each column's slot is read and written.
    package let slots: [SlotKind]
    /// The offset of each column's slot from the start of the row.
    package let offsets: [Int]
    /// For a column in the tail: the slot of the one before it there; 0 if it is the first.
    package let previousTailOffsets: [Int]
    /// The columns in the tail, ascending.
    package let tailColumns: [Int]
    /// Whether each column is dead: without slot and never there.
    package let isDead: [Bool]
    /// Whether any column is dead.
    package let hasDeadColumns: Bool
    /// Where the slots end.
    package let fixedEnd: Int

    /// Lays out columns of the given types, but for the dead ones.
    package init(id: UInt16, types: [FeatureType], dead: [UInt16] = []) {
        self.id = id
        self.types = types
        var isDead = [Bool](repeating: false, count: types.count)
        for column in dead { isDead[Int(column)] = true }
        self.isDead = isDead
        slots = zip(types, isDead).map { SlotKind($0, isDead: $1) }
        hasDeadColumns = !dead.isEmpty
        var offsets = [Int](repeating: 0, count: types.count)
        var end = Self.headerByteCount + (types.count + 31) / 32 * 8
        for byteCount in [8, 4, 1] {
            for (column, type) in types.enumerated()
            where type.slotByteCount == byteCount && !isDead[column] {
                offsets[column] = end
                end += byteCount
            }
        }
        var previous = [Int](repeating: 0, count: types.count)
        var last = 0
        for (column, type) in types.enumerated() where type.isInTail && !isDead[column] {
            previous[column] = last
            last = offsets[column]
        }
        self.offsets = offsets
        previousTailOffsets = previous
        tailColumns = types.indices.filter { types[$0].isInTail && !isDead[$0] }
        fixedEnd = end
    }

    /// Columns that a row of this layout has.
    package var columnCount: Int { types.count }

    /// The dead columns, ascending.
    package var deadColumns: [UInt16] {
        isDead.indices.filter { isDead[$0] }.map { UInt16($0) }
    }

    /// 64-bit words of presence.
    package var presenceWordCount: Int { (types.count + 31) / 32 }

    /// Where the table of further event times starts, if there are any.
    package var timesStart: Int { (fixedEnd + 7) & ~7 }

    /// Bytes of one time number when a row has `timeCount` further times.
    package static func timeIndexByteCount(timeCount: Int) -> Int {
        timeCount < 256 ? 1 : 2
    }

    /// Where the tail starts when a row has `timeCount` further times.
    package func tailStart(timeCount: Int) -> Int {
        guard timeCount > 0 else { return fixedEnd }
        return timesStart + timeCount * 8
            + columnCount * Self.timeIndexByteCount(timeCount: timeCount)
    }
}
