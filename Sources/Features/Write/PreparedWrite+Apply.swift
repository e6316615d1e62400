// SPDX-License-Identifier: Apache-2.0

package import Store

extension PreparedWrite {
    /// Merges a row that is not refused into `stored`; the scratch then holds what to put.
    ///
    /// - Parameter set: the feature set as it is now, which may have versions that this write's had not.
    package func merge(
        row: Int, into stored: Span<UInt8>?, of set: borrowing FeatureSet,
        with scratch: inout RowScratch, sequence: UInt64, erasedUntil: Int64 = .min
    ) -> MergeOutcome {
        let first = row * columns.count
        let cells = first..<first + columns.count
        let patch = RowPatch(
            columns: columns.span, states: states.span.extracting(cells),
            bits: bits.span.extracting(cells), tail: tail.span,
            eventTime: times.count == 1 ? times[0] : times[row])
        // A write prepared under a newer epoch than the caller's knows columns that `set` does not.
        if set.layouts.count < self.set.layouts.count {
            return scratch.merge(
                patch, into: stored, of: self.set, sequence: sequence, erasedUntil: erasedUntil)
        }
        return scratch.merge(
            patch, into: stored, of: set, sequence: sequence, erasedUntil: erasedUntil)
    }

    /// Reads, merges and puts one row that is not refused.
    ///
    /// - Throws: what the store throws; the transaction is then not to be committed.
    package func apply(
        row: Int, in transaction: inout WriteTransaction, _ table: Table,
        of set: borrowing FeatureSet, with scratch: inout RowScratch, sequence: UInt64
    ) throws(StoreError) -> MergeOutcome {
        let key = key(row)
        let outcome = merge(
            row: row, into: try transaction.value(forKey: key, in: table), of: set, with: &scratch,
            sequence: sequence)
        switch outcome {
        case .changed, .replacedDamaged:
            try transaction.put(scratch.row, forKey: key, in: table)
        case .unchanged, .erased, .unknownLayout, .tooLarge:
            break
        }
        return outcome
    }

    /// Applies every row that is not refused, in order, and counts.
    ///
    /// All rows change in the caller's one transaction: a reader sees all of them or none.
    package func applyAll(
        in transaction: inout WriteTransaction, _ table: Table, of set: borrowing FeatureSet,
        with scratch: inout RowScratch, sequence: UInt64
    ) throws(StoreError) -> WriteTally {
        var tally = WriteTally()
        for row in 0..<rowCount where !refused[row] {
            let outcome = try apply(
                row: row, in: &transaction, table, of: set, with: &scratch, sequence: sequence)
            switch outcome {
            case .changed:
                tally.applied += 1
            case .replacedDamaged:
                tally.applied += 1
                tally.replacedDamaged += 1
            case .unchanged:
                tally.ignoredOlder += 1
            case .erased:
                tally.ignoredErased += 1
            case .unknownLayout:
                tally.refusals.append(
                    RowRefusal(
                        row: row, field: "feature_set",
                        reason: "the stored row is in a layout of a newer release"))
            case .tooLarge:
                tally.refusals.append(
                    RowRefusal(
                        row: row, field: "columns",
                        reason:
                            "the row would be longer than \(FeatureLimits.rowByteCountMax) bytes"
                    ))
            }
        }
        return tally
    }
}
