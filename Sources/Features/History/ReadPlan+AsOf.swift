// SPDX-License-Identifier: Apache-2.0

package import API
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

    /// Checks all times of a request: that of ``checkAsOf(_:now:field:)``, or one for each entity.
    package func checkTimes(of request: KassaV1.ReadRequest, now: Int64) throws(FieldError) {
        if let time = request.asOfUs { try checkAsOf(time, now: now) }
        var index = 0
        while index < request.asOfUsEach.count {
            try checkAsOf(
                request.asOfUsEach[index], now: now, field: "as_of_us_each[\(index)]")
            index += 1
        }
    }
}

extension ReadBatch {
    /// Appends an entity as it was at `time`, with the statuses and ages of then; see
    /// ``ReadPlan/checkAsOf(_:now:field:)``.
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
