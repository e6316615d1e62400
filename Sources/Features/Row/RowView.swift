// SPDX-License-Identifier: Apache-2.0

internal import Base

/// A stored row, verified and read in place.
///
/// Once made, its bytes carry the right checksum and its sections lie inside them. Reads of single cells
/// still check what they use, so that not even a row with a forged checksum can trap.
package struct RowView: ~Escapable {
    /// The whole row.
    package let bytes: Span<UInt8>
    /// The layout that the row names.
    package let layout: RowLayout
    /// Distinct event times beside the latest.
    package let timeCount: Int
    let tailStart: Int

    /// Verifies `bytes` as a row of `set`.
    ///
    /// - Complexity: O(bytes), by the checksum.
    @_lifetime(copy bytes)
    package init(verifying bytes: Span<UInt8>, of set: borrowing FeatureSet) throws(RowDamage) {
        try self.init(verifying: bytes, in: set.layouts)
    }

    /// The same with the set's layouts, for many rows.
    @_lifetime(copy bytes)
    init(verifying bytes: Span<UInt8>, in layouts: [RowLayout]) throws(RowDamage) {
        try Self.verify(bytes)
        let index = Int(bytes.load(at: 24, as: UInt16.self)) - 1
        guard
            bytes[26] == RowLayout.formatVersion, index >= 0, index < layouts.count
        else { throw .unknownLayout }
        let layout = layouts[index]
        let timeCount = Int(bytes.load(at: 28, as: UInt16.self))
        let tailStart = layout.tailStart(timeCount: timeCount)
        guard tailStart <= bytes.count else { throw .damaged }
        self.bytes = bytes
        self.layout = layout
        self.timeCount = timeCount
        self.tailStart = tailStart
    }

    /// The view of a row that was verified before, in the layout that it names.
    @_lifetime(copy bytes)
    init(verified bytes: Span<UInt8>, layout: RowLayout) {
        self.bytes = bytes
        self.layout = layout
        timeCount = Int(bytes.load(at: 28, as: UInt16.self))
        tailStart = layout.tailStart(timeCount: timeCount)
    }

    /// Checks length and checksum, which need no layout.
    static func verify(_ bytes: Span<UInt8>) throws(RowDamage) {
        guard
            bytes.count >= RowLayout.headerByteCount,
            bytes.count & 7 == 0,
            bytes.count <= FeatureLimits.rowByteCountMax,
            Int(bytes.load(at: 4, as: UInt32.self)) == bytes.count,
            bytes.load(at: 0, as: UInt32.self)
                == CRC32C.checksum(bytes.extracting(droppingFirst: 4))
        else { throw .damaged }
    }

    /// The sequence of the write that last changed the row.
    package var sequence: UInt64 { bytes.load(at: 8) }

    /// The latest event time of any column, in microseconds.
    package var latestTime: Int64 { bytes.load(at: 16) }

    /// What the row says about a column; absent if its layout lacks it or it is dead there, nil if it is malformed.
    package func presence(ofColumn column: Int) -> Presence? {
        guard column < layout.columnCount, !layout.isDead[column] else { return .absent }
        let word = presenceWord(column >> 5)
        return Presence(rawValue: UInt8(truncatingIfNeeded: word >> ((column & 31) * 2)) & 3)
    }

    /// The presence of columns `index * 32` and on, two bits each.
    @inline(__always)
    func presenceWord(_ index: Int) -> UInt64 {
        bytes.load(at: RowLayout.headerByteCount + index * 8)
    }

    /// The event time of a column that the layout has, in microseconds; nil if it is malformed.
    package func eventTime(ofColumn column: Int) -> Int64? {
        guard timeCount > 0 else { return latestTime }
        let indexes = layout.timesStart + timeCount * 8
        let number =
            timeCount < 256
            ? Int(bytes[indexes + column])
            : Int(bytes.load(at: indexes + column * 2, as: UInt16.self))
        guard number <= timeCount else { return nil }
        return number == 0 ? latestTime : bytes.load(at: layout.timesStart + (number - 1) * 8)
    }

    /// The slot of a column as bits: little-endian, zero-extended.
    @inline(__always)
    package func bits(ofColumn column: Int) -> UInt64 {
        let offset = layout.offsets[column]
        switch layout.slots[column] {
        case .eightBytes: return bytes.load(at: offset)
        case .fourBytes, .tail:
            return UInt64(bytes.load(at: offset, as: UInt32.self))
        case .oneByte: return UInt64(bytes[offset])
        case .dead: return 0
        }
    }

    /// Where in `bytes` the value of a column of the tail lies; nil if it is malformed.
    package func tailRange(ofColumn column: Int) -> Range<Int>? {
        let previous = layout.previousTailOffsets[column]
        let start = previous == 0 ? 0 : Int(bytes.load(at: previous, as: UInt32.self))
        let end = Int(bytes.load(at: layout.offsets[column], as: UInt32.self))
        guard start <= end, end <= bytes.count - tailStart else { return nil }
        // A vector is whole or it is none.
        if case .vector(let dimension) = layout.types[column], end - start != Int(dimension) * 4 {
            return nil
        }
        return tailStart + start..<tailStart + end
    }

    /// The value of a column of the tail; nil if it is malformed.
    @_lifetime(copy self)
    func tail(ofColumn column: Int) -> Span<UInt8>? {
        guard let range = tailRange(ofColumn: column) else { return nil }
        return bytes.extracting(range)
    }
}
