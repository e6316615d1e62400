// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The label values of a family whose series come from configuration, and the number of each.
///
/// Series are never forgotten and their number is bounded: what comes after the last goes to series 0,
/// whose label values are all "other".
final class SeriesTable: Sendable {
    /// The label value of what no longer found a series of its own.
    static let other = "other"

    private let capacity: Int
    private let rows: Mutex<[[String]]>

    /// A table with room for `capacity` series besides "other".
    init(labelCount: Int, capacity: Int) {
        precondition(capacity >= 0)
        self.capacity = capacity
        rows = Mutex([Array(repeating: Self.other, count: labelCount)])
    }

    /// The number of the series with these label values, made if it is new.
    ///
    /// - Complexity: O(series); not for the hot path.
    func series(_ values: [String]) -> Int {
        rows.withLock { rows in
            precondition(values.count == rows[0].count)
            if let known = rows.firstIndex(of: values) { return known }
            guard rows.count <= capacity else { return 0 }
            rows.append(values)
            return rows.count - 1
        }
    }

    /// The label values of every series, by number.
    var all: [[String]] { rows.withLock { $0 } }
}
