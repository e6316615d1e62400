// SPDX-License-Identifier: Apache-2.0

internal import Base

extension RowScratch {
    /// Merges `patch` into the stored row, or into nothing, and packs the result.
    ///
    /// Per column the later event time wins. At equal times a value beats a null, and of two values the
    /// greater slot (as an unsigned integer; values of the tail by their bytes) wins: arbitrary, but the
    /// same everywhere. This is a maximum over a total order, so order and repetition cannot matter.
    /// The sequence changes only when something else does.
    /// A row in an older layout is packed in the newest one; a damaged one is replaced by the patch alone.
    ///
    /// - Parameters:
    ///   - erasedUntil: values with an event time up to this one are gone for ever, the patch's as well as
    ///     the stored row's (which a restore may have brought back).
    ///   - notAfter: values of the stored row with a later event time are left out, for a history.
    package mutating func merge(
        _ patch: borrowing RowPatch, into stored: Span<UInt8>?, of set: borrowing FeatureSet,
        sequence: UInt64, erasedUntil: Int64 = .min, notAfter: Int64 = .max
    ) -> MergeOutcome {
        guard patch.eventTime > erasedUntil else { return .erased }
        let layout = set.newestLayout
        if notAfter == .max,
            packAlone(patch, over: stored, of: set, layout, sequence: sequence)
        {
            return .changed
        }
        unsafe cells.clear(layout.columnCount)
        var source = Span<UInt8>()
        var wasDamaged = false
        var hasErased = false
        if let stored {
            do throws(RowDamage) {
                let counts = try unpack(
                    RowView(verifying: stored, of: set), into: layout, laterThan: erasedUntil,
                    notAfter: notAfter)
                hasErased = counts.erased > 0 && counts.kept > 0
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
        guard overlay(patch, over: source, layout) || hasErased else { return .unchanged }
        guard pack(layout, sequence: sequence, stored: source, tail: patch.tail) else {
            return .tooLarge
        }
        return wasDamaged ? .replacedDamaged : .changed
    }

    /// What became of the values of a row that was unpacked; nulls count as well.
    struct UnpackCounts {
        var kept = 0
        /// On dead columns.
        var dead = 0
        /// Erased long ago.
        var erased = 0
    }

    /// Spreads a row over the arrays, but for columns that are dead in `newest` and values up to a time.
    ///
    /// Returns how many values it spread, and how many it left out.
    mutating func unpack(
        _ view: borrowing RowView, into newest: RowLayout, laterThan limit: Int64,
        notAfter: Int64 = .max
    ) throws(RowDamage) -> UnpackCounts {
        let layout = view.layout
        let cells = unsafe self.cells
        let hasOneTime = view.timeCount == 0
        let latest = view.latestTime
        let hasDead = newest.hasDeadColumns
        var counts = UnpackCounts()
        var word: UInt64 = 0
        for column in 0..<layout.columnCount {
            if column & 31 == 0 { word = view.presenceWord(column >> 5) }
            guard let presence = Presence(rawValue: UInt8(truncatingIfNeeded: word & 3)) else {
                throw .damaged
            }
            word >>= 2
            guard presence != .absent, layout.slots[column] != .dead else { continue }
            guard let time = hasOneTime ? latest : view.eventTime(ofColumn: column) else {
                throw .damaged
            }
            guard !hasDead || !newest.isDead[column] else {
                counts.dead += 1
                continue
            }
            guard time > limit else {
                counts.erased += 1
                continue
            }
            guard time <= notAfter else { continue }
            counts.kept += 1
            unsafe cells.states[column] = presence.rawValue
            unsafe cells.times[column] = time
            guard presence == .present else { continue }
            if layout.slots[column] == .tail {
                guard let range = view.tailRange(ofColumn: column) else { throw .damaged }
                unsafe cells.bits[column] = UInt64(range.lowerBound) << 32 | UInt64(range.count)
            } else {
                unsafe cells.bits[column] = view.bits(ofColumn: column)
            }
        }
        return counts
    }

    /// Lets the patch's newer cells win; false if there are none.
    private func overlay(
        _ patch: borrowing RowPatch, over stored: Span<UInt8>, _ layout: RowLayout
    ) -> Bool {
        var changed = false
        let cells = unsafe self.cells
        for index in patch.columns.indices {
            let state = patch.states[index]
            guard state != Presence.absent.rawValue else { continue }
            let column = Int(patch.columns[index])
            // A batch is checked against a version of this set, so that its columns exist.
            precondition(column < layout.columnCount)
            // The version may have been dropped since.
            guard layout.slots[column] != .dead else { continue }
            let new = patch.bits[index]
            if unsafe cells.states[column] != Presence.absent.rawValue {
                guard unsafe patch.eventTime >= cells.times[column] else { continue }
                if unsafe patch.eventTime == cells.times[column] {
                    guard unsafe state >= cells.states[column] else { continue }
                    if unsafe state == cells.states[column] {
                        guard state == Presence.present.rawValue else { continue }
                        let wins =
                            layout.slots[column] == .tail
                            ? isGreater(
                                new, of: patch.tail, thanColumn: column, stored: stored)
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

    /// Whether a value of the patch's tail is greater than the one that a column of the stored row holds.
    ///
    /// A patch names a column once, so the value to beat is always the stored row's.
    private func isGreater(
        _ new: UInt64, of tail: Span<UInt8>, thanColumn column: Int, stored: Span<UInt8>
    ) -> Bool {
        let old = unsafe cells.bits[column]
        let newStart = Int(new >> 32)
        let oldStart = Int(old >> 32)
        let newCount = Int(new & 0xFFFF_FFFF)
        let oldCount = Int(old & 0xFFFF_FFFF)
        for index in 0..<min(newCount, oldCount) {
            let newByte = tail[newStart + index]
            let oldByte = stored[oldStart + index]
            if newByte != oldByte { return newByte > oldByte }
        }
        return newCount > oldCount
    }
}
