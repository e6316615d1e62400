// SPDX-License-Identifier: Apache-2.0

/// Where the inputs of one group lie in rows of one layout.
///
/// Cells are sorted by type, so that the usual row is gathered by one loop per type without a switch.
struct LayoutPlan {
    /// One input's place.
    struct Cell {
        /// Of the slot, from the start of the row.
        let offset: UInt32
        /// Of the tail's slot before it; 0 if none.
        let previousTailOffset: UInt32
        let column: UInt16
        let input: UInt16
    }

    /// The first cell in the plan's list; float32, float64, int64, bool, timestamp, string and vector cells
    /// follow each other. A vector has one cell, which names its first input.
    var firstCell = 0
    var float32End = 0
    var float64End = 0
    var int64End = 0
    var boolEnd = 0
    var timestampEnd = 0
    var stringEnd = 0
    var vectorEnd = 0
    /// Cells whose column the layout lacks follow up to here.
    var end = 0
    /// The first of the plan's presence masks: a word per 32 columns.
    var firstMask = 0
    var maskCount = 0
    var columnCount = 0
    var fixedEnd = 0
    /// A row whose values are all this young is neither stale nor expired anywhere, in microseconds.
    var freshMax = Int64.max
}
