// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features
internal import Metrics

/// One loop's lanes of the engine's counters, with the series numbers looked up beforehand.
struct WorkerCounters {
    private let metrics: EngineMetrics
    private let scores: Cells
    private let degraded: Cells
    private let damaged: Cells
    private let ages: BucketHistogram
    /// The series of each scorer of the configuration.
    private var scorerSeries: [Int] = []
    /// For each scorer, the series of the feature set of each group of its plan.
    private var ageSeries: [[Int]] = []
    /// The series of each status by its raw value.
    private let statusSeries: [Int]
    private let damagedScoreSeries: Int
    private let damagedReadSeries: Int

    init(_ metrics: EngineMetrics, loop: Int) {
        self.metrics = metrics
        scores = metrics.scores.lane(loop)
        degraded = metrics.degradedFeatures.lane(loop)
        damaged = metrics.damagedRows.lane(loop)
        ages = metrics.featureAges.lane(loop)
        statusSeries = (0...ValueStatus.invalid.rawValue).map { status in
            metrics.degradedFeatures.series([KassaV1.Status(rawValue: Int32(status)).name])
        }
        damagedScoreSeries = metrics.damagedRows.series(["score"])
        damagedReadSeries = metrics.damagedRows.series(["read"])
    }

    /// Looks up the series that `configuration` needs.
    mutating func prepare(for configuration: Configuration) {
        scorerSeries = configuration.scorers.map { scorer in
            metrics.scores.series([scorer.spec.name, scorer.slot.name])
        }
        ageSeries = configuration.scorers.map { scorer in
            scorer.plan.groups.map { metrics.featureAges.series([$0.setName]) }
        }
    }

    /// Counts a score, and the features that were not PRESENT for it.
    func scored(scorer: Int, _ summary: GatherSummary, _ scratch: ScoreScratch) {
        scores.add(1, at: scorerSeries[scorer])
        guard summary.degradedCount > 0 else { return }
        for input in 0..<scratch.inputCount
        where scratch.status(input) != ValueStatus.present.rawValue {
            degraded.add(1, at: statusSeries[Int(scratch.status(input))])
        }
        let unreadable = summary.damagedRowCount + summary.unknownLayoutRowCount
        if unreadable > 0 { damaged.add(UInt64(unreadable), at: damagedScoreSeries) }
    }

    /// Records how old the oldest value is that a group of a scorer's plan served.
    func gathered(scorer: Int, group: Int, oldestAge: Int64) {
        guard oldestAge >= 0 else { return }
        ages.record(UInt64(oldestAge), series: ageSeries[scorer][group])
    }

    /// Counts damaged rows that a read met.
    func read(damagedRows: Int) {
        if damagedRows > 0 { damaged.add(UInt64(damagedRows), at: damagedReadSeries) }
    }
}
