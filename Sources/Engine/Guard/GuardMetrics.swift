// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Metrics

/// What loops count of requests that guards watch.
final class GuardMetrics: Sendable {
    let slotTimes: LabelledHistograms
    let deltas: LabelledHistograms
    let fallbacks: LabelledCounters
    /// Of each loop, when the candidate of a rollout has last answered, by the monotonic clock.
    let lastAnswers: [Cells]
    /// Of each loop, in millionths: the share of entities that it watches, and of its time that it spends, and
    /// the share of entities that it has time to score by both models.
    let budgets: [Cells]
    static let ratioCell = 0
    static let timeCell = 1
    static let pairRatioCell = 2

    init(loopCount: Int) {
        slotTimes = LabelledHistograms(
            Self.slotTimesFamily, bounds: .scoreTime, lanes: loopCount,
            capacity: EngineMetrics.scorerSeriesMax)
        deltas = LabelledHistograms(
            Self.deltasFamily, bounds: .scoreDelta, lanes: loopCount,
            capacity: EngineMetrics.scorerSeriesMax)
        fallbacks = LabelledCounters(
            Self.fallbacksFamily, lanes: loopCount, capacity: EngineMetrics.scorerSeriesMax)
        lastAnswers = (0..<loopCount).map { _ in Cells(count: GuardLimits.answerPlaces) }
        budgets = (0..<loopCount).map { _ in Cells(count: 3) }
    }

    /// When a rollout's candidate has last answered, on any loop; 0 if never.
    func lastAnswer(of rollout: UInt64) -> UInt64 {
        lastAnswers.reduce(0) { max($0, $1.value(at: Self.place(of: rollout))) }
    }

    /// The share of entities that are watched in a mode, on average over the loops.
    func watchedRatio(in mode: WatchMode) -> Double {
        let cell = mode.comparesRequests ? Self.pairRatioCell : Self.ratioCell
        let sum = budgets.reduce(0) { $0 &+ $1.value(at: cell) }
        return Double(sum) / 1e6 / Double(budgets.count)
    }

    static func place(of rollout: UInt64) -> Int {
        Int(truncatingIfNeeded: rollout % UInt64(GuardLimits.answerPlaces))
    }

    static let slotTimesFamily = MetricFamily(
        .histogram, "kassa_slot_score_seconds",
        help: "Time that a slot's own features and model took, of requests that a guard watches.",
        labels: ["scorer", "slot"])
    static let deltasFamily = MetricFamily(
        .histogram, "kassa_pair_score_delta",
        help: "Absolute difference of both models' scores of one vector.", labels: ["scorer"])
    static let fallbacksFamily = MetricFamily(
        .counter, "kassa_score_fallbacks_total",
        help: "Requests that another slot answered in the place of a model on trial that failed.",
        labels: ["scorer"])
}

/// One loop's lanes of them.
struct GuardCounters {
    private let metrics: GuardMetrics
    private let times: BucketHistogram
    private let deltas: BucketHistogram
    private let fallbacks: Cells
    private let lastAnswers: Cells
    /// A bit for each place of ``lastAnswers`` whose candidate has answered since the clock was read.
    private var answered: UInt64 = 0
    private var timeSeries: [Int] = []
    private var deltaSeries: [Int] = []
    private var fallbackSeries: [Int] = []

    init(_ metrics: GuardMetrics, loop: Int) {
        self.metrics = metrics
        times = metrics.slotTimes.lane(loop)
        deltas = metrics.deltas.lane(loop)
        fallbacks = metrics.fallbacks.lane(loop)
        lastAnswers = metrics.lastAnswers[loop]
    }

    /// Looks up the series that `configuration` needs.
    mutating func prepare(for configuration: Configuration) {
        guard configuration.splits.contains(where: \.watch.isOn) else { return }
        timeSeries = configuration.scorers.map {
            metrics.slotTimes.series([$0.spec.name, $0.slot.name])
        }
        let stable = configuration.scorers.prefix(configuration.scorerCount)
        deltaSeries = stable.map { metrics.deltas.series([$0.spec.name]) }
        fallbackSeries = stable.map { metrics.fallbacks.series([$0.spec.name]) }
    }

    func timed(_ slot: Int, nanoseconds: UInt64) {
        times.record(nanoseconds, series: timeSeries[slot])
    }

    func differ(_ place: Int, by delta: Double) {
        let millionths = min(abs(delta) * 1e6, 1e15)
        deltas.record(UInt64(millionths), series: deltaSeries[place])
    }

    func fellBack(_ place: Int) {
        fallbacks.add(1, at: fallbackSeries[place])
    }

    /// Notes that a rollout's candidate has answered; when is told by ``stampAnswers()``.
    @inline(__always)
    mutating func answered(_ rollout: UInt64) {
        answered |= 1 &<< UInt64(GuardMetrics.place(of: rollout))
    }

    /// Reads the clock for what was answered since: once for all requests that arrived together.
    @inline(__always)
    mutating func stampAnswers() {
        if answered != 0 { stampAnswers(at: .now()) }
    }

    /// The same at a time that is known.
    mutating func stampAnswers(at now: MonotonicTime) {
        while answered != 0 {
            lastAnswers.set(now.nanoseconds, at: answered.trailingZeroBitCount)
            answered &= answered &- 1
        }
    }
}

extension BucketBounds {
    /// Times of scores in nanoseconds, from half a microsecond to 100 ms, exported as seconds.
    static let scoreTime = BucketBounds(
        bounds: [
            500, 1_000, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000, 25_000, 50_000, 100_000,
            250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 100_000_000,
        ], unitsPerOne: 1e9)
    /// Differences of scores in millionths.
    static let scoreDelta = BucketBounds(
        bounds: [
            1, 10, 100, 1_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
        ], unitsPerOne: 1e6)
}
