// SPDX-License-Identifier: Apache-2.0

package import Store

extension PreparedWrite {
    /// Applies every row that is not refused to a table that is being loaded, and counts those whose key
    /// an earlier row of the load had, with other values or another time.
    ///
    /// A row that was loaded before, byte for byte, is a repeated request and no repeated key.
    ///
    /// - Parameter isLive: whether a live write brought a key, rather than the load.
    package func loadAll(
        in transaction: inout WriteTransaction, _ table: Table, of set: borrowing FeatureSet,
        with scratch: inout RowScratch, sequence: UInt64, isLive: (Span<UInt8>) -> Bool
    ) throws(StoreError) -> (tally: WriteTally, duplicateKeys: Int) {
        var tally = WriteTally()
        var duplicateKeys = 0
        for row in 0..<rowCount where !refused[row] {
            let time = times.count == 1 ? times[0] : times[row]
            var storedTime: Int64?
            if let stored = try transaction.value(forKey: key(row), in: table) {
                storedTime = (try? RowView(verifying: stored, of: set))?.latestTime ?? .min
            }
            let outcome = try apply(
                row: row, in: &transaction, table, of: set, with: &scratch, sequence: sequence)
            tally.count(outcome, row: row)
            if let storedTime, outcome != .unchanged || storedTime != time, !isLive(key(row)) {
                duplicateKeys += 1
            }
        }
        return (tally, duplicateKeys)
    }
}

extension WriteTally {
    /// Counts what became of a row.
    mutating func count(_ outcome: MergeOutcome, row: Int) {
        switch outcome {
        case .changed:
            applied += 1
        case .replacedDamaged:
            applied += 1
            replacedDamaged += 1
        case .unchanged:
            ignoredOlder += 1
        case .unknownLayout:
            refusals.append(
                RowRefusal(
                    row: row, field: "feature_set",
                    reason: "the stored row is in a layout of a newer release"))
        case .tooLarge:
            refusals.append(
                RowRefusal(
                    row: row, field: "columns",
                    reason: "the row would be longer than \(FeatureLimits.rowByteCountMax) bytes"))
        }
    }
}
