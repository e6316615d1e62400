// SPDX-License-Identifier: Apache-2.0

/// The bounds of one score request.
package enum ScoreLimits {
    /// Entities in one request.
    package static let entitiesMax = 8
    /// Values that a request brings along.
    package static let contextValuesMax = 1_000
    /// How long the contributions of one row may keep their loop busy, in microseconds.
    package static let contributionMicrosecondsMax: Double = 20_000
    /// Rows of one batch.
    package static let batchRowsMax = 1_000
    /// How long a batch may keep its loop busy with evaluation, in microseconds.
    package static let batchMicrosecondsMax: Double = 100_000
    /// How many rows that cost so much each a batch may have; one always.
    package static func batchRows(ofMicroseconds cost: Double) -> Int {
        let count = batchMicrosecondsMax / max(cost, 1)
        return max(1, Int(min(count, Double(batchRowsMax))))
    }
    /// Bytes of a batch's reply: what stock clients take.
    package static let batchReplyByteCountMax = 4 << 20
}
