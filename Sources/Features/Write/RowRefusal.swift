// SPDX-License-Identifier: Apache-2.0

/// Why one row of a write is refused; the other rows are applied.
package struct RowRefusal: Hashable, Sendable {
    package let row: Int
    /// The feature, "event_time_us", or "keys[session]".
    package let field: String
    /// What is wrong, without the value.
    package let reason: String
}
