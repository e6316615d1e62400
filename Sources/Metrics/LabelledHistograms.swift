// SPDX-License-Identifier: Apache-2.0

/// A histogram family whose label values come from configuration, recorded by several threads.
///
/// Used like ``LabelledCounters``: control work asks for the number of a series, a loop records on its
/// own ``lane(_:)`` under that number.
package final class LabelledHistograms: MetricSource {
    private let family: MetricFamily
    private let table: SeriesTable
    private let lanes: [BucketHistogram]

    /// - Parameters:
    ///   - lanes: number of writing threads.
    ///   - capacity: series at most, besides "other".
    package init(_ family: MetricFamily, bounds: BucketBounds, lanes: Int, capacity: Int) {
        precondition(family.kind == .histogram)
        precondition(lanes > 0)
        self.family = family
        table = SeriesTable(labelCount: family.labels.count, capacity: capacity)
        self.lanes = (0..<lanes).map { _ in
            BucketHistogram(bounds: bounds, seriesCount: capacity + 1)
        }
    }

    /// The number of the series with these label values, made if it is new; not for the hot path.
    package func series(_ values: [String]) -> Int { table.series(values) }

    /// The histograms of one writing thread, by series.
    package func lane(_ index: Int) -> BucketHistogram { lanes[index] }

    /// The one family of these histograms.
    package var families: [MetricFamily] { [family] }

    /// Adds each series' sum over the loops.
    package func collect(into snapshot: inout MetricSnapshot) {
        for (series, values) in table.all.enumerated() {
            var merged = lanes[0].snapshot(series: series)
            for lane in lanes.dropFirst() { merged.merge(lane.snapshot(series: series)) }
            if series > 0 || merged.count > 0 { snapshot.add(family, values, histogram: merged) }
        }
    }
}
