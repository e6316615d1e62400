// SPDX-License-Identifier: Apache-2.0

internal import Base

extension RowScratch {
    /// Merges `patch` into the stored row, or into nothing, and packs the result.
    ///
    /// Per column the later event time wins. At equal times a value beats a null, and of two values the
    /// greater slot (as an unsigned integer; strings by their bytes) wins: arbitrary, but the same
    /// everywhere. This is a maximum over a total order, so order and repetition cannot matter.
    /// The sequence changes only when something else does.
    /// A row in an older layout is packed in the newest one; a damaged one is replaced by the patch alone.
    package mutating func merge(
        _ patch: borrowing RowPatch, into stored: Span<UInt8>?, of set: borrowing FeatureSet,
        sequence: UInt64
    ) -> MergeOutcome {
        let layout = set.newestLayout
        unsafe cells.clear(layout.columnCount)
        var source = Span<UInt8>()
        var wasDamaged = false
        if let stored {
            do throws(RowDamage) {
                try unpack(RowView(verifying: stored, of: set))
                source = stored
            } catch {
                switch error {
                case .unknownLayout:
                    return .unknownLayout
                case .damaged:
                    unsafe cells.clear(layout.columnCount)
                    wasDamaged = true
                }
            }
        }
        guard overlay(patch, over: source, types: layout.types) else { return .unchanged }
        guard pack(layout, sequence: sequence, stored: source, texts: patch.texts) else {
            return .tooLarge
        }
        return wasDamaged ? .replacedDamaged : .changed
    }

    /// Spreads a row over the arrays.
    private func unpack(_ view: borrowing RowView) throws(RowDamage) {
        let layout = view.layout
        let cells = unsafe self.cells
        let hasOneTime = view.timeCount == 0
        let latest = view.latestTime
        var word: UInt64 = 0
        for column in 0..<layout.columnCount {
            if column & 31 == 0 { word = view.presenceWord(column >> 5) }
            guard let presence = Presence(rawValue: UInt8(truncatingIfNeeded: word & 3)) else {
                throw .damaged
            }
            word >>= 2
            guard presence != .absent else { continue }
            unsafe cells.states[column] = presence.rawValue
            guard let time = hasOneTime ? latest : view.eventTime(ofColumn: column) else {
                throw .damaged
            }
            unsafe cells.times[column] = time
            guard presence == .present else { continue }
            if layout.types[column] == .string {
                guard let range = view.textRange(ofColumn: column) else { throw .damaged }
                unsafe cells.bits[column] = UInt64(range.lowerBound) << 32 | UInt64(range.count)
            } else {
                unsafe cells.bits[column] = view.bits(ofColumn: column)
            }
        }
    }

    /// Lets the patch's newer cells win; false if there are none.
    private func overlay(
        _ patch: borrowing RowPatch, over stored: Span<UInt8>, types: [FeatureType]
    ) -> Bool {
        var changed = false
        let cells = unsafe self.cells
        for index in patch.columns.indices {
            let state = patch.states[index]
            guard state != Presence.absent.rawValue else { continue }
            let column = Int(patch.columns[index])
            // A batch is checked against a version of this set, so that its columns exist.
            precondition(column < types.count)
            let new = patch.bits[index]
            if unsafe cells.states[column] != Presence.absent.rawValue {
                guard unsafe patch.eventTime >= cells.times[column] else { continue }
                if unsafe patch.eventTime == cells.times[column] {
                    guard unsafe state >= cells.states[column] else { continue }
                    if unsafe state == cells.states[column] {
                        guard state == Presence.present.rawValue else { continue }
                        let wins =
                            types[column] == .string
                            ? isText(
                                new, of: patch.texts, greaterThanColumn: column,
                                stored: stored)
                            : unsafe new > cells.bits[column]
                        guard wins else { continue }
                    }
                }
            }
            unsafe cells.states[column] = state
            unsafe cells.times[column] = patch.eventTime
            unsafe cells.bits[column] = state == Presence.present.rawValue ? new : 0
            unsafe cells.origins[column] = 1
            changed = true
        }
        return changed
    }

    /// Whether a text of the patch is greater than the one that a column of the stored row holds.
    ///
    /// A patch names a column once, so the text to beat is always the stored row's.
    private func isText(
        _ new: UInt64, of texts: Span<UInt8>, greaterThanColumn column: Int, stored: Span<UInt8>
    ) -> Bool {
        let old = unsafe cells.bits[column]
        let newStart = Int(new >> 32)
        let oldStart = Int(old >> 32)
        let newCount = Int(new & 0xFFFF_FFFF)
        let oldCount = Int(old & 0xFFFF_FFFF)
        for index in 0..<min(newCount, oldCount) {
            let newByte = texts[newStart + index]
            let oldByte = stored[oldStart + index]
            if newByte != oldByte { return newByte > oldByte }
        }
        return newCount > oldCount
    }
}
