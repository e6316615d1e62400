// SPDX-License-Identifier: Apache-2.0

internal import Base

extension RowScratch {
    /// Packs the arrays into a row of `layout`; false if it would be too long.
    mutating func pack(
        _ layout: RowLayout, sequence: UInt64, stored: Span<UInt8>, tail: Span<UInt8>
    ) -> Bool {
        let cells = unsafe self.cells
        // The cells hold one of the patch at least, or nothing would have changed.
        let timeCount = unsafe cells.gatherTimes(layout.columnCount) - 1
        precondition(timeCount >= 0)
        let tailStart = layout.tailStart(timeCount: timeCount)
        var tailByteCount = 0
        for column in layout.tailColumns {
            unsafe tailByteCount += Int(cells.bits[column] & 0xFFFF_FFFF)
        }
        let byteCount = (tailStart + tailByteCount + 7) & ~7
        guard byteCount <= FeatureLimits.rowByteCountMax else { return false }

        packed.removeAll()
        packed.appendZeros(byteCount)
        var bytes = packed.mutableBytes
        bytes.store(UInt32(byteCount), at: 4)
        bytes.store(sequence, at: 8)
        unsafe bytes.store(cells.distinct[0], at: 16)
        bytes.store(layout.id, at: 24)
        bytes[26] = RowLayout.formatVersion
        bytes.store(UInt16(timeCount), at: 28)
        packPresence(layout.columnCount)
        packSlots(layout)
        if timeCount > 0 { packTimes(layout, timeCount: timeCount) }
        packTail(layout, tailStart: tailStart, stored: stored, tail: tail)
        let checksum = CRC32C.checksum(packed.bytes.extracting(droppingFirst: 4))
        var sealed = packed.mutableBytes
        sealed.store(checksum, at: 0)
        return true
    }

    private mutating func packPresence(_ columnCount: Int) {
        let cells = unsafe self.cells
        var bytes = packed.mutableBytes
        var word: UInt64 = 0
        for column in 0..<columnCount {
            unsafe word |= UInt64(cells.states[column]) << ((column & 31) * 2)
            if column & 31 == 31 || column == columnCount - 1 {
                bytes.store(word, at: RowLayout.headerByteCount + (column >> 5) * 8)
                word = 0
            }
        }
    }

    private mutating func packSlots(_ layout: RowLayout) {
        let cells = unsafe self.cells
        var bytes = packed.mutableBytes
        for column in 0..<layout.columnCount {
            let value = unsafe cells.bits[column]
            let offset = layout.offsets[column]
            switch layout.slots[column] {
            case .eightBytes: bytes.store(value, at: offset)
            case .fourBytes: bytes.store(UInt32(truncatingIfNeeded: value), at: offset)
            case .oneByte: bytes[offset] = UInt8(truncatingIfNeeded: value)
            case .dead, .tail: break
            }
        }
    }

    private mutating func packTimes(_ layout: RowLayout, timeCount: Int) {
        let cells = unsafe self.cells
        var bytes = packed.mutableBytes
        for index in 0..<timeCount {
            unsafe bytes.store(cells.distinct[index + 1], at: layout.timesStart + index * 8)
        }
        let indexes = layout.timesStart + timeCount * 8
        let isNarrow = RowLayout.timeIndexByteCount(timeCount: timeCount) == 1
        for column in 0..<layout.columnCount
        where unsafe cells.states[column] != Presence.absent.rawValue {
            let number = unsafe cells.place(of: cells.times[column], among: timeCount + 1)
            if isNarrow {
                bytes[indexes + column] = UInt8(truncatingIfNeeded: number)
            } else {
                bytes.store(UInt16(truncatingIfNeeded: number), at: indexes + column * 2)
            }
        }
    }

    private mutating func packTail(
        _ layout: RowLayout, tailStart: Int, stored: Span<UInt8>, tail: Span<UInt8>
    ) {
        let cells = unsafe self.cells
        var bytes = packed.mutableBytes
        var end = 0
        for column in layout.tailColumns {
            let start = unsafe Int(cells.bits[column] >> 32)
            let count = unsafe Int(cells.bits[column] & 0xFFFF_FFFF)
            let source = unsafe cells.origins[column] == 1 ? tail : stored
            for index in 0..<count {
                bytes[tailStart + end + index] = source[start + index]
            }
            end += count
            bytes.store(UInt32(end), at: layout.offsets[column])
        }
    }
}
