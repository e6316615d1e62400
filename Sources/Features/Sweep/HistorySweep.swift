// SPDX-License-Identifier: Apache-2.0

/// One pass over the history that says which rows nobody can ask for any more.
///
/// Shown the keys in their order, newest first within a row. All rows within the time that the set keeps stay,
/// and the first one before it, which says how things were when that time began.
package struct HistorySweep: Sendable {
    /// Rows to delete so far.
    package private(set) var deletedCount = 0
    /// The time at which each set's history begins; for one that keeps none, later than any.
    private let horizons: [UInt32: Int64]
    private var rowKey: [UInt8] = []
    /// Whether the row's newest state before the horizon was seen.
    private var hasBase = false

    /// A pass over the history of all sets of `catalog`; `now` is in microseconds.
    package init(_ catalog: FeatureCatalog, now: Int64) {
        var horizons: [UInt32: Int64] = [:]
        for set in catalog.sets.values {
            horizons[set.id] =
                set.historyMilliseconds == 0
                ? .max : now - Int64(set.historyMilliseconds) * 1_000
        }
        self.horizons = horizons
    }

    /// Whether the row of the history under `key`, the next in order, is to be deleted.
    package mutating func deletes(_ key: Span<UInt8>) -> Bool {
        guard
            let row = HistoryKey.rowKey(of: key), let time = HistoryKey.time(of: key),
            let view = RowKeyView(row), let horizon = horizons[view.setID]
        else { return false }
        if !isCurrent(row) {
            rowKey = row.indices.map { row[$0] }
            hasBase = false
        }
        guard time <= horizon else { return false }
        guard hasBase || horizon == .max else {
            hasBase = true
            return false
        }
        deletedCount += 1
        return true
    }

    private func isCurrent(_ row: Span<UInt8>) -> Bool {
        guard row.count == rowKey.count else { return false }
        for index in row.indices where row[index] != rowKey[index] { return false }
        return true
    }
}
