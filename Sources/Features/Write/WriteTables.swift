// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables that a write reads and changes.
package struct WriteTables: Sendable {
    /// Rows, by ``RowKey``; 8-aligned.
    package let rows: Table
    /// Tombstones, by ``TombstoneKey``; nil while there are none, which saves the look-ups.
    package var tombstones: Table?
    /// Rows as they were, by ``HistoryKey``; nil if no feature set keeps a history.
    package var history: Table?

    /// The tables; without the optional ones writes neither honour erasures nor keep a history.
    package init(rows: Table, tombstones: Table? = nil, history: Table? = nil) {
        self.rows = rows
        self.tombstones = tombstones
        self.history = history
    }
}
