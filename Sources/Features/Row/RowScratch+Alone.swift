// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Rows that consist of a patch only: most of a bulk load, and every write of all columns.
extension RowScratch {
    /// Packs `patch` as merging it into nothing does, or into a row of which it replaces every value;
    /// false if neither is so, or the layout has values in the tail: then merge.
    ///
    /// - Complexity: O(columns), without the arrays of a merge.
    mutating func packAlone(
        _ patch: borrowing RowPatch, over stored: Span<UInt8>?, of set: borrowing FeatureSet,
        _ layout: RowLayout, sequence: UInt64
    ) -> Bool {
        guard layout.tailColumns.isEmpty else { return false }
        let byteCount = (layout.fixedEnd + 7) & ~7
        guard byteCount <= FeatureLimits.rowByteCountMax else { return false }
        packed.removeAll()
        packed.appendZeros(byteCount)
        var bytes = packed.mutableBytes
        bytes.store(UInt32(byteCount), at: 4)
        bytes.store(sequence, at: 8)
        bytes.store(patch.eventTime, at: 16)
        bytes.store(layout.id, at: 24)
        bytes[26] = RowLayout.formatVersion
        guard Self.store(patch, layout, in: &bytes) else { return false }
        if let stored, !replaces(stored, patch.eventTime, of: set, layout) { return false }
        let checksum = CRC32C.checksum(packed.bytes.extracting(droppingFirst: 4))
        var sealed = packed.mutableBytes
        sealed.store(checksum, at: 0)
        return true
    }

    /// Stores the presence and the slots of a patch; false if it says nothing.
    private static func store(
        _ patch: borrowing RowPatch, _ layout: RowLayout, in bytes: inout MutableSpan<UInt8>
    ) -> Bool {
        let slots = layout.slots
        let offsets = layout.offsets
        var word: UInt64 = 0
        var wordIndex = 0
        var hasAny = false
        for index in patch.columns.indices {
            let state = patch.states[index]
            let column = Int(patch.columns[index])
            let slot = slots[column]
            guard state != Presence.absent.rawValue, slot != .dead else { continue }
            hasAny = true
            if column >> 5 != wordIndex {
                Self.add(word, at: wordIndex, in: &bytes)
                (word, wordIndex) = (0, column >> 5)
            }
            word |= UInt64(state) << ((column & 31) * 2)
            guard state == Presence.present.rawValue else { continue }
            let value = patch.bits[index]
            let offset = offsets[column]
            switch slot {
            case .eightBytes: bytes.store(value, at: offset)
            case .fourBytes: bytes.store(UInt32(truncatingIfNeeded: value), at: offset)
            case .oneByte: bytes[offset] = UInt8(truncatingIfNeeded: value)
            case .dead, .tail: break
            }
        }
        Self.add(word, at: wordIndex, in: &bytes)
        return hasAny
    }

    /// Adds states to a presence word; a patch names a column once, so that no bits meet.
    private static func add(_ states: UInt64, at index: Int, in bytes: inout MutableSpan<UInt8>) {
        let offset = RowLayout.headerByteCount + index * 8
        bytes.store(bytes.span.load(at: offset, as: UInt64.self) | states, at: offset)
    }

    /// Whether the packed row has a value, or a null, wherever a stored one of the same layout has, and
    /// is later than all of those.
    private func replaces(
        _ stored: Span<UInt8>, _ eventTime: Int64, of set: borrowing FeatureSet, _ layout: RowLayout
    ) -> Bool {
        guard let view = try? RowView(verifying: stored, of: set), view.layout === layout,
            view.timeCount == 0, view.latestTime < eventTime
        else { return false }
        let new = packed.bytes
        for index in 0..<layout.presenceWordCount {
            let old = view.presenceWord(index)
            let said = new.load(
                at: RowLayout.headerByteCount + index * 8, as: UInt64.self)
            // Both bits set are no state: that row is damaged, and merging says so.
            guard old & (old >> 1) & Self.lowBits == 0 else { return false }
            guard (old | old >> 1) & ~(said | said >> 1) & Self.lowBits == 0 else { return false }
        }
        return true
    }

    /// The low bit of each column's two.
    private static var lowBits: UInt64 { 0x5555_5555_5555_5555 }
}
