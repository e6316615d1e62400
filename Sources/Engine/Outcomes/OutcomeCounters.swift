// SPDX-License-Identifier: Apache-2.0

internal import Metrics
internal import Rollout

/// What is counted of recorded scores and their outcomes.
final class OutcomeCounters: Sendable {
    /// Why a score that was to be recorded is not kept.
    enum Loss: String, CaseIterable {
        /// The guard thread or the writer did not keep up: the reply carries no id.
        case ringFull = "ring_full"
        /// The store took no writes.
        case store
        /// It came after its time had been seen to: the clock stepped, or the process was stopped.
        case tooLate = "too_late"
    }

    /// Why a kept score was deleted.
    enum End: String, CaseIterable {
        /// The horizon, with its outcome known.
        case known
        /// The horizon, and no outcome came.
        case unknown
        /// There were more than ``OutcomeLimits/scoresPerScorerMax``.
        case bound
        /// Its bytes are damaged.
        case damaged
    }

    private let losses: LabelledCounters
    private let ends: LabelledCounters
    private let recorded: LabelledCounters
    private let matured: LabelledCounters
    private let outcomes: LabelledCounters
    private let lossSeries: [Int]
    private let endSeries: [Int]
    private let loopCount: Int

    init(loopCount: Int) {
        self.loopCount = loopCount
        // Each loop, the writer's thread and the guard thread.
        losses = LabelledCounters(
            Self.lossesFamily, lanes: loopCount + 2, capacity: Loss.allCases.count)
        ends = LabelledCounters(Self.endsFamily, lanes: 1, capacity: End.allCases.count)
        let scorersMax = EngineMetrics.scorerSeriesMax
        recorded = LabelledCounters(Self.recordedFamily, lanes: 1, capacity: scorersMax)
        matured = LabelledCounters(Self.maturedFamily, lanes: 1, capacity: 2 * scorersMax)
        outcomes = LabelledCounters(Self.outcomesFamily, lanes: 1, capacity: 5 * scorersMax)
        let losses = losses
        let ends = ends
        lossSeries = Loss.allCases.map { losses.series([$0.rawValue]) }
        endSeries = End.allCases.map { ends.series([$0.rawValue]) }
    }

    /// The lane of the writer's thread.
    var writerLane: Int { loopCount }
    /// The lane of the guard thread.
    var guardLane: Int { loopCount + 1 }

    /// Counts scores that are not kept; `lane` is the loop or one of the two threads.
    func count(_ loss: Loss, _ amount: Int = 1, lane: Int) {
        let series = lossSeries[Loss.allCases.firstIndex(of: loss) ?? 0]
        losses.lane(lane).add(UInt64(clamping: amount), at: series)
    }

    // On the writer's thread only, as those below.
    func count(_ end: End, _ amount: Int) {
        guard amount > 0 else { return }
        let series = endSeries[End.allCases.firstIndex(of: end) ?? 0]
        ends.lane(0).add(UInt64(clamping: amount), at: series)
    }

    func countRecorded(_ amount: Int, scorer: String) {
        recorded.lane(0).add(UInt64(clamping: amount), at: recorded.series([scorer]))
    }

    func countMatured(_ amount: Int, label: Bool, scorer: String) {
        guard amount > 0 else { return }
        let series = matured.series([scorer, label ? "positive" : "negative"])
        matured.lane(0).add(UInt64(clamping: amount), at: series)
    }

    func count(_ verdict: OutcomeVerdict, _ amount: Int, scorer: String) {
        outcomes.lane(0).add(UInt64(clamping: amount), at: outcomes.series([scorer, "\(verdict)"]))
    }

    var sources: [any MetricSource] { [losses, ends, recorded, matured, outcomes] }

    private static let lossesFamily = MetricFamily(
        .counter, "kassa_outcome_scores_lost_total",
        help: "Scores that were to be recorded and are not kept, by why.", labels: ["why"])
    private static let endsFamily = MetricFamily(
        .counter, "kassa_outcome_scores_deleted_total",
        help: "Recorded scores that were deleted, by why.", labels: ["why"])
    private static let recordedFamily = MetricFamily(
        .counter, "kassa_outcome_scores_recorded_total", help: "Scores recorded.",
        labels: ["scorer"])
    private static let maturedFamily = MetricFamily(
        .counter, "kassa_outcome_labels_total",
        help: "Labels that were counted, with their scores, at maturity or later.",
        labels: ["scorer", "label"])
    private static let outcomesFamily = MetricFamily(
        .counter, "kassa_outcomes_total",
        help: "Outcomes reported, by what became of them.", labels: ["scorer", "status"])
}
