// SPDX-License-Identifier: Apache-2.0

package import Store

extension ReadPlan {
    /// Checks that rows can be read as they were at `time`; both are in microseconds.
    ///
    /// - Throws: ``FieldError`` if the set keeps no history, or not one that long, or the time is to come.
    package func checkAsOf(
        _ time: Int64, now: Int64, field: @autoclosure () -> String = "as_of_us"
    ) throws(FieldError) {
        guard set.historyMilliseconds > 0 else {
            throw FieldError(
                field: field(), reason: "needs a history, which \(set.name) has not")
        }
        guard time <= now else {
            throw FieldError(field: field(), reason: "is in the future")
        }
        // A hundred years at most, so that the product fits.
        guard time >= now - Int64(set.historyMilliseconds) * 1_000, time >= 0 else {
            throw FieldError(
                field: field(),
                reason: "is before the history of \(set.name), which goes back "
                    + "\(set.historyMilliseconds) ms")
        }
    }
}

extension ReadRows {
    /// Notes an entity as it was at `time`, with the statuses and ages of then; see
    /// ``ReadPlan/checkAsOf(_:now:field:)``.
    ///
    /// Unsafe as ``place(_:at:now:)`` is: the snapshot must be held until the reply is written.
    ///
    /// - Complexity: O(log rows of the history); no more for a long history.
    @unsafe package mutating func place(
        _ rowKey: Span<UInt8>, asOf time: Int64, at index: Int,
        in transaction: borrowing ReadTransaction, _ history: Table, with key: inout HistoryKey
    ) throws(StoreError) {
        key.build(rowKey, time: time)
        unsafe place(nil, at: index, now: time)
        try transaction.scan(history, prefix: rowKey, from: key.bytes) { _, row in
            unsafe place(row, at: index, now: time)
            return false
        }
    }
}
