// SPDX-License-Identifier: Apache-2.0

package import API
package import Base

/// A write that was checked and brought into the shape that the writer merges from.
///
/// Made on a loop; the writer only merges and puts. Cells lie row by row in two arrays (what is said,
/// and the slot's bits), strings, vectors and lists in one run of bytes: no cell is an object.
///
/// Column types: floats and doubles columns go into float32 (nearest) and float64 features; an integers
/// column into int64, and into floats where each integer is exact; flags into bool; texts into string; an integers
/// column (microseconds) into timestamp; vectors into a vector of the same dimension; lists into strings.
/// A row that breaks a rule is refused by itself, naming the field and never the value; the other rows
/// are applied, all in the one transaction of the writer's group. Placeholders of null and absent cells
/// are not looked at.
package struct PreparedWrite: Sendable {
    /// The set that is written, as it was when the write was checked.
    package let set: FeatureSet
    /// The version that the request named.
    package let version: FeatureSetVersion
    /// Rows of the request, refused ones included.
    package let rowCount: Int
    /// The rows that are refused, a reason each, ascending.
    package internal(set) var refusals: [RowRefusal] = []

    /// Physical columns, in the request's order.
    var columns: [UInt16] = []
    /// Raw ``Presence``, row by row.
    var states: [UInt8] = []
    /// Slots, row by row; for values of the tail the offset in `tail` and the length.
    var bits: [UInt64] = []
    /// Strings, vectors and lists as rows store them.
    var tail: [UInt8] = []
    /// Keys one after another, and where each ends.
    var keys: [UInt8] = []
    var keyEnds: [UInt32] = []
    /// One, or one per row; microseconds.
    var times: [Int64] = []
    /// Per row: whether it is refused.
    var refused: [Bool] = []
    /// The rows in the order of their keys, those of one key as they came; empty if they came so.
    var order: [UInt32] = []

    /// Checks `request` against a version of a set.
    ///
    /// - Throws: ``FieldError`` when the request as a whole makes no sense.
    /// - Complexity: O(cells); a fixed number of allocations.
    package init(
        _ request: KassaV1.WriteRequest, to set: FeatureSet, version: FeatureSetVersion,
        receivedAt now: Timestamp
    ) throws(FieldError) {
        self.set = set
        self.version = version
        rowCount = request.keys.first?.ids.count ?? 0
        guard (1...FeatureLimits.rowsMax).contains(rowCount) else {
            throw FieldError(
                field: "keys", reason: "must have 1 to \(FeatureLimits.rowsMax) ids a kind")
        }
        guard !request.columns.isEmpty else {
            throw FieldError(field: "columns", reason: "needs at least one column")
        }
        guard request.columns.count <= version.features.count else {
            throw FieldError(field: "columns", reason: "has more columns than features")
        }
        guard rowCount * request.columns.count <= FeatureLimits.cellsMax else {
            throw FieldError(
                field: "columns", reason: "have more than \(FeatureLimits.cellsMax) cells")
        }
        refused = [Bool](repeating: false, count: rowCount)
        try takeKeys(request.keys)
        try takeTimes(request.eventTimeUs, now: now.microseconds)
        try takeColumns(request.columns)
        refusals.sort { $0.row < $1.row }
        order = rowsByKey()
    }

    /// Rows that are to be applied.
    package var acceptedRowCount: Int { rowCount - refusals.count }

    /// About how many bytes it holds while it waits, and then writes, for the bounds of the writer's
    /// queue: a cell is a state and its bits, and a row is at least as long as its layout says.
    package var byteCountEstimate: Int {
        let held = keys.count + tail.count + states.count + MemoryLayout<UInt64>.stride * bits.count
        let refused = refusals.reduce(0) {
            $0 + MemoryLayout<RowRefusal>.stride + $1.field.utf8.count
        }
        return held + refused + acceptedRowCount * set.newestLayout.fixedEnd
    }

    /// Whether a row is refused.
    package func isRefused(_ row: Int) -> Bool {
        refused[row]
    }

    /// The key of a row that is not refused.
    @_lifetime(borrow self)
    package func key(_ row: Int) -> Span<UInt8> {
        let start = row == 0 ? 0 : Int(keyEnds[row - 1])
        return keys.span.extracting(start..<Int(keyEnds[row]))
    }

    /// Refuses a row; its first refusal counts.
    mutating func refuse(_ row: Int, _ field: @autoclosure () -> String, _ reason: String) {
        guard !refused[row] else { return }
        refusals.append(RowRefusal(row: row, field: field(), reason: reason))
        refused[row] = true
    }
}
