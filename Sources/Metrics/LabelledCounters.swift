// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A counter family whose label values come from configuration, counted by several threads.
///
/// Control work asks ``series(_:)`` for a number when it compiles a plan; a loop counts on its own
/// ``lane(_:)`` under that number. Series are never forgotten and their number is bounded: what
/// comes after the last goes to series 0, whose label values are all "other".
package final class LabelledCounters: MetricSource {
    private let family: MetricFamily
    private let capacity: Int
    private let lanes: [Cells]
    private let labels: Mutex<[[String]]>

    /// The label value of what no longer found a series of its own.
    package static let other = "other"

    /// - Parameters:
    ///   - lanes: number of writing threads.
    ///   - capacity: series at most, besides "other".
    package init(_ family: MetricFamily, lanes: Int, capacity: Int) {
        precondition(family.kind == .counter)
        precondition(lanes > 0)
        precondition(capacity >= 0)
        self.family = family
        self.capacity = capacity
        self.lanes = (0..<lanes).map { _ in Cells(count: capacity + 1) }
        labels = Mutex([family.labels.map { _ in Self.other }])
    }

    /// The number of the series with these label values, made if it is new; not for the hot path.
    ///
    /// - Complexity: O(series).
    package func series(_ values: [String]) -> Int {
        precondition(values.count == family.labels.count)
        return labels.withLock { labels in
            if let known = labels.firstIndex(of: values) { return known }
            guard labels.count <= capacity else { return 0 }
            labels.append(values)
            return labels.count - 1
        }
    }

    /// The cells of one writing thread, indexed by series.
    package func lane(_ index: Int) -> Cells { lanes[index] }

    package var families: [MetricFamily] { [family] }

    package func collect(into snapshot: inout MetricSnapshot) {
        let labels = labels.withLock { $0 }
        for (series, values) in labels.enumerated() {
            let count = lanes.reduce(0) { $0 &+ $1.value(at: series) }
            if series > 0 || count > 0 { snapshot.add(family, values, count: count) }
        }
    }
}
