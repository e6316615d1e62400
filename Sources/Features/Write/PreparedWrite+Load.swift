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
        // Rows that come in the order of their keys are behind all others: nothing is to be merged.
        var isBehind = true
        for place in 0..<rowCount {
            let row = row(at: place)
            guard !refused[row] else { continue }
            if isBehind {
                isBehind = try append(
                    row: row, in: &transaction, tables, of: set, with: &scratch,
                    sequence: sequence, &lookup, &tally)
                if isBehind { continue }
            }
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
            // Behind a key that comes again, which was the last so far, the next may be appended.
            isBehind = storedTime != nil
        }
        return (tally, duplicateKeys)
    }

    /// Puts a row whose key is above every key of the table; false, and nothing done, if that is not so or
    /// the row is none to put.
    private func append(
        row: Int, in transaction: inout WriteTransaction, _ tables: WriteTables,
        of set: borrowing FeatureSet, with scratch: inout RowScratch, sequence: UInt64,
        _ lookup: inout ErasureLookup, _ tally: inout WriteTally
    ) throws(StoreError) -> Bool {
        let key = key(row)
        guard let erasedUntil = try erasedUntil(key, in: transaction, tables, &lookup) else {
            return false
        }
        let outcome = merge(
            row: row, into: nil, of: set, with: &scratch, sequence: sequence,
            erasedUntil: erasedUntil)
        guard outcome == .changed,
            try transaction.appendIfLast(scratch.row, forKey: key, in: tables.rows)
        else { return false }
        tally.count(outcome, row: row)
        return true
    }
}
