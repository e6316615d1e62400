// SPDX-License-Identifier: Apache-2.0

package import Store

extension ReadPlan {
    /// Checks that rows can be read as they were at `time`; both are in microseconds.
    ///
    /// - Throws: ``FieldError`` if the set keeps no history, or not one that long, or the time is to come.
    package func checkAsOf(_ time: Int64, now: Int64) throws(FieldError) {
        guard set.historyMilliseconds > 0 else {
            throw FieldError(
                field: "as_of_us", reason: "needs a history, which \(set.name) has not")
        }
        guard time <= now else {
            throw FieldError(field: "as_of_us", reason: "is in the future")
        }
        // A hundred years at most, so that the product fits.
        guard time >= now - Int64(set.historyMilliseconds) * 1_000, time >= 0 else {
            throw FieldError(
                field: "as_of_us",
                reason: "is before the history of \(set.name), which goes back "
                    + "\(set.historyMilliseconds) ms")
        }
    }
}

extension ReadBatch {
    /// Appends an entity as it was at `time`, with the statuses and ages of then; see
    /// ``ReadPlan/checkAsOf(_:now:)``.
    ///
    /// - Complexity: O(log rows of the history); no more for a long history.
    package mutating func append(
        _ rowKey: Span<UInt8>, asOf time: Int64, in transaction: borrowing ReadTransaction,
        _ history: Table, with key: inout HistoryKey
    ) throws(StoreError) {
        key.build(rowKey, time: time)
        var found: [UInt8]?
        try transaction.scan(history, prefix: rowKey, from: key.bytes) { _, row in
            found = row.indices.map { row[$0] }
            return false
        }
        if let found { append(found.span, now: time) } else { append(nil, now: time) }
    }
}
