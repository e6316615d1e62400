// SPDX-License-Identifier: Apache-2.0

internal import Store

/// Keeps the history of rows true while writes are merged: for every event time of a write, the row as it
/// was then.
///
/// The row of the history at time t is the merge of all writes with event times up to t. So a write at t
/// makes a row at t, from the one before it, and a late one is merged into the rows after it, too, until it
/// meets one where all its columns have later values: from there on they always have.
struct HistoryWriter: ~Copyable {
    private var key = HistoryKey()

    /// Notes a write to one row.
    ///
    /// - Parameters:
    ///   - isNewest: whether the scratch holds the row after the write, and nothing in it or in the history
    ///     is later than the write.
    ///   - current: the row before the write; where the history begins, it is all that is known.
    ///   - merge: merges the write into a row, of which only what is not later than a time counts.
    /// - Returns: false if a row of the history would have been too long, and misses the write.
    /// - Complexity: O(1) puts for a write that is the row's newest; O(rows of the history that follow) else.
    mutating func note(
        _ rowKey: Span<UInt8>, time: Int64, isNewest: Bool, current: [UInt8]?,
        in transaction: inout WriteTransaction, _ table: Table, _ scratch: inout RowScratch,
        _ merge: (
            _ row: Span<UInt8>?, _ notAfter: Int64, _ scratch: inout RowScratch
        ) -> MergeOutcome
    ) throws(StoreError) -> Bool {
        key.build(rowKey, time: time)
        if isNewest {
            try transaction.put(scratch.row, forKey: key.bytes, in: table)
            return true
        }
        let (later, base) = try neighbours(of: rowKey, time: time, in: transaction, table)
        var isWhole = true
        let outcome =
            if let base {
                merge(base.span, .max, &scratch)
            } else if let current {
                merge(current.span, time, &scratch)
            } else {
                merge(nil, .max, &scratch)
            }
        isWhole = try put(outcome, in: &transaction, table, scratch)
        for next in later.reversed() {
            key.build(rowKey, time: next)
            let outcome: MergeOutcome
            if let row = try transaction.value(forKey: key.bytes, in: table) {
                outcome = merge(row, .max, &scratch)
            } else {
                continue
            }
            if outcome == .unchanged { break }
            isWhole = try put(outcome, in: &transaction, table, scratch) && isWhole
        }
        return isWhole
    }

    private func put(
        _ outcome: MergeOutcome, in transaction: inout WriteTransaction, _ table: Table,
        _ scratch: borrowing RowScratch
    ) throws(StoreError) -> Bool {
        switch outcome {
        case .changed, .replacedDamaged:
            try transaction.put(scratch.row, forKey: key.bytes, in: table)
            return true
        case .unchanged, .erased: return true
        case .tooLarge, .unknownLayout: return false
        }
    }

    /// The times of the rows after `time`, latest first, and the row at `time` or before.
    private func neighbours(
        of rowKey: Span<UInt8>, time: Int64, in transaction: borrowing WriteTransaction,
        _ table: Table
    ) throws(StoreError) -> (later: [Int64], base: [UInt8]?) {
        var later: [Int64] = []
        var base: [UInt8]?
        try transaction.scan(table, prefix: rowKey) { key, row in
            guard let next = HistoryKey.time(of: key) else { return true }
            if next > time {
                later.append(next)
                return true
            }
            base = row.indices.map { row[$0] }
            return false
        }
        return (later, base)
    }
}
