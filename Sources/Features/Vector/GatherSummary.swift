// SPDX-License-Identifier: Apache-2.0

/// What a vector's gathering came to over all its groups.
package struct GatherSummary: Sendable {
    /// The age of the oldest stored value that the vector holds, in microseconds; -1 if it holds none.
    package var oldestAge: Int64 = -1
    /// Inputs whose status is not present.
    package var degradedCount = 0
    /// Rows that were damaged or unreadable.
    package var damagedRowCount = 0

    package init() {}
}
