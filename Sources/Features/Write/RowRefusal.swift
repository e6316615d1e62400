// SPDX-License-Identifier: Apache-2.0

package import API

/// Why one row of a write is refused; the other rows are applied.
package struct RowRefusal: Hashable, Sendable {
    /// The row's place in the request.
    package let row: Int
    /// The feature, "event_time_us", or "keys[session]".
    package let field: String
    /// What is wrong, without the value.
    package let reason: String

    /// A refusal of `row`.
    package init(row: Int, field: String, reason: String) {
        self.row = row
        self.field = field
        self.reason = reason
    }

    /// The refusal as the API has it.
    package var message: KassaV1.RowError {
        // A row's number is below `rowsMax`.
        KassaV1.RowError(row: UInt32(row), field: field, reason: reason)
    }
}
