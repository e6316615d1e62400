// SPDX-License-Identifier: Apache-2.0

/// What applying a write came to, in rows.
package struct WriteTally: Hashable, Sendable {
    /// Rows of which at least one value is now the newest.
    package var applied = 0
    /// Rows that were older than what is stored, or equal to it.
    package var ignoredOlder = 0
    /// Rows that are older than the erasure of one of their entities.
    package var ignoredErased = 0
    /// Of the applied ones: rows that replaced a damaged row.
    package var replacedDamaged = 0
    /// Rows that could not be merged; those refused in advance are in ``PreparedWrite/refusals``.
    package var refusals: [RowRefusal] = []

    /// Rows of which the history misses the write, for a row of it would have been too long.
    package var historyGaps = 0

    /// The tally of nothing applied yet.
    package init() {}

    /// Counts what merging a row came to.
    mutating func count(_ outcome: MergeOutcome, row: Int) {
        switch outcome {
        case .changed:
            applied += 1
        case .replacedDamaged:
            applied += 1
            replacedDamaged += 1
        case .unchanged:
            ignoredOlder += 1
        case .erased:
            ignoredErased += 1
        case .unknownLayout:
            refuse(row, "feature_set", "the stored row is in a layout of a newer release")
        case .tooLarge:
            refuse(
                row, "columns",
                "the row would be longer than \(FeatureLimits.rowByteCountMax) bytes")
        }
    }

    mutating func refuse(_ row: Int, _ field: String, _ reason: String) {
        refusals.append(RowRefusal(row: row, field: field, reason: reason))
    }
}
