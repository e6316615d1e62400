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

    /// The tally of nothing applied yet.
    package init() {}
}
