// SPDX-License-Identifier: Apache-2.0

/// A counter family whose label values come from configuration, counted by several threads.
///
/// Control work asks ``series(_:)`` for a number when it compiles a plan; a loop counts on its own
/// ``lane(_:)`` under that number. Series are never forgotten and their number is bounded: what
/// comes after the last goes to series 0, whose label values are all "other".
package final class LabelledCounters: MetricSource {
    private let family: MetricFamily
    private let table: SeriesTable
    private let lanes: [Cells]

    /// - Parameters:
    ///   - lanes: number of writing threads.
    ///   - capacity: series at most, besides "other".
    package init(_ family: MetricFamily, lanes: Int, capacity: Int) {
        precondition(family.kind == .counter)
        precondition(lanes > 0)
        self.family = family
        table = SeriesTable(labelCount: family.labels.count, capacity: capacity)
        self.lanes = (0..<lanes).map { _ in Cells(count: capacity + 1) }
    }

    /// The number of the series with these label values, made if it is new; not for the hot path.
    ///
    /// - Complexity: O(series).
    package func series(_ values: [String]) -> Int { table.series(values) }

    /// The cells of one writing thread, indexed by series.
    package func lane(_ index: Int) -> Cells { lanes[index] }

    /// The one family of these counters.
    package var families: [MetricFamily] { [family] }

    /// Adds each series' sum over the loops.
    package func collect(into snapshot: inout MetricSnapshot) {
        for (series, values) in table.all.enumerated() {
            let count = lanes.reduce(0) { $0 &+ $1.value(at: series) }
            if series > 0 || count > 0 { snapshot.add(family, values, count: count) }
        }
    }
}
