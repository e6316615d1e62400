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
        in transaction: inout WriteTransaction, _ tables: WriteTables,
        of set: borrowing FeatureSet, with scratch: inout RowScratch, sequence: UInt64,
        isLive: (Span<UInt8>) -> Bool
    ) throws(StoreError) -> (tally: WriteTally, duplicateKeys: Int) {
        var tally = WriteTally()
        var lookup = ErasureLookup()
        var duplicateKeys = 0
        for row in 0..<rowCount where !refused[row] {
            var storedTime: Int64?
            if let stored = try transaction.value(forKey: key(row), in: tables.rows) {
                storedTime = (try? RowView(verifying: stored, of: set))?.latestTime ?? .min
            }
            let before = (applied: tally.applied, older: tally.ignoredOlder)
            try apply(
                row: row, in: &transaction, tables, of: set, rowsAreWhole: false, with: &scratch,
                sequence: sequence,
                &lookup, &tally)
            let isChange = tally.applied > before.applied
            let isOlder = tally.ignoredOlder > before.older && storedTime != eventTime(row)
            if storedTime != nil, isChange || isOlder, !isLive(key(row)) { duplicateKeys += 1 }
        }
        return (tally, duplicateKeys)
    }
}
