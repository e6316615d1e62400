// SPDX-License-Identifier: Apache-2.0

internal import Features
package import Metrics

/// What the engine counts, over all loops.
package final class EngineMetrics: Sendable {
    /// Scorer and slot pairs that get a series of their own.
    package static let scorerSeriesMax = 256
    /// Feature sets that get a series of their own.
    package static let featureSetSeriesMax = 256

    let scores: LabelledCounters
    let degradedFeatures: LabelledCounters
    let damagedRows: LabelledCounters
    let featureAges: LabelledHistograms
    let rowsWritten: LabelledCounters
    let rowsSwept: LabelledCounters
    let sweptBytes: LabelledCounters
    private let appliedSeries: Int
    private let ignoredSeries: Int
    private let refusedSeries: Int

    /// Counters for `loopCount` loops and the writer thread.
    package init(loopCount: Int) {
        scores = LabelledCounters(
            Self.scoresFamily, lanes: loopCount, capacity: Self.scorerSeriesMax)
        degradedFeatures = LabelledCounters(
            Self.degradedFeaturesFamily, lanes: loopCount, capacity: 16)
        damagedRows = LabelledCounters(Self.damagedRowsFamily, lanes: loopCount, capacity: 2)
        featureAges = LabelledHistograms(
            Self.featureAgesFamily, bounds: .age, lanes: loopCount,
            capacity: Self.featureSetSeriesMax)
        rowsWritten = LabelledCounters(Self.rowsWrittenFamily, lanes: 1, capacity: 3)
        rowsSwept = LabelledCounters(Self.rowsSweptFamily, lanes: 1, capacity: 4)
        sweptBytes = LabelledCounters(Self.sweptBytesFamily, lanes: 1, capacity: 1)
        appliedSeries = rowsWritten.series(["applied"])
        ignoredSeries = rowsWritten.series(["ignored_older"])
        refusedSeries = rowsWritten.series(["refused"])
    }

    /// Counts the rows of an acknowledged write; on the writer's thread only.
    func countWritten(_ tally: WriteTally, refused: Int) {
        let cells = rowsWritten.lane(0)
        cells.add(UInt64(clamping: tally.applied), at: appliedSeries)
        cells.add(UInt64(clamping: tally.ignoredOlder), at: ignoredSeries)
        cells.add(UInt64(clamping: refused + tally.refusals.count), at: refusedSeries)
    }

    /// Counts what a sweep over the rows came to; on the housekeeper's thread only.
    func swept(_ counts: Sweep.Counts) {
        let cells = rowsSwept.lane(0)
        cells.add(UInt64(clamping: counts.expired), at: rowsSwept.series(["expired"]))
        cells.add(UInt64(clamping: counts.orphaned), at: rowsSwept.series(["orphaned"]))
        cells.add(UInt64(clamping: counts.cleaned), at: rowsSwept.series(["cleaned"]))
        sweptBytes.lane(0).add(
            UInt64(clamping: counts.freedByteCount), at: sweptBytes.series(["rows"]))
    }

    /// Counts what a sweep over the history came to; on the housekeeper's thread only.
    func sweptHistory(_ count: Int) {
        rowsSwept.lane(0).add(UInt64(clamping: count), at: rowsSwept.series(["history"]))
    }

    /// All sources, for a registry.
    package var sources: [any MetricSource] {
        [scores, degradedFeatures, damagedRows, featureAges, rowsWritten, rowsSwept, sweptBytes]
    }

    static let damagedRowsFamily = MetricFamily(
        .counter, "kassa_features_damaged_rows_total",
        help: "Rows read whose checksum or form is wrong; none of their values was served.",
        labels: ["path"])

    static let rowsWrittenFamily = MetricFamily(
        .counter, "kassa_features_rows_written_total",
        help: "Rows of acknowledged writes, by what became of them.", labels: ["outcome"])

    static let featureAgesFamily = MetricFamily(
        .histogram, "kassa_feature_age_seconds",
        help: "Age of the oldest value that a score took from a row, by feature set.",
        labels: ["feature_set"])

    static let scoresFamily = MetricFamily(
        .counter, "kassa_scores_total", help: "Scores computed.", labels: ["scorer", "slot"])

    static let degradedFeaturesFamily = MetricFamily(
        .counter, "kassa_degraded_features_total",
        help: "Features of scored requests that were not PRESENT.", labels: ["status"])

    static let rowsSweptFamily = MetricFamily(
        .counter, "kassa_store_swept_rows_total",
        help: "Rows that the background sweep deleted or rewrote, by why.", labels: ["why"])

    static let sweptBytesFamily = MetricFamily(
        .counter, "kassa_store_swept_bytes_total",
        help: "Bytes of rows that the background sweep freed.", labels: ["table"])
}
