// SPDX-License-Identifier: Apache-2.0

/// What a vector's gathering came to over all its groups.
package struct GatherSummary: Hashable, Sendable {
    /// The age of the oldest stored value that the vector holds, in microseconds; -1 if it holds none.
    package var oldestAge: Int64 = -1
    /// Inputs whose status is not present.
    package var degradedCount = 0
    /// The first input whose feature wants no score with the status that it has; -1 if there is none.
    package var failedInput = -1
    /// Rows whose bytes are not what was written. Their inputs are INVALID.
    package var damagedRowCount = 0
    /// Rows in a layout that the plan does not know. Their inputs are INVALID.
    ///
    /// A set's new version may reach the writer before a loop has the plan of its epoch: gather again
    /// with the newest one; if that does not know the layout either, a newer release wrote the row.
    package var unknownLayoutRowCount = 0

    /// The summary of nothing gathered yet.
    package init() {}

    /// The oldest age in whole milliseconds, at most `UInt32.max`; 0 if there is none.
    package var oldestAgeMilliseconds: UInt32 {
        UInt32(clamping: max(0, oldestAge) / 1_000)
    }
}
