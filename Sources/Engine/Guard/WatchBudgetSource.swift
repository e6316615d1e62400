// SPDX-License-Identifier: Apache-2.0

internal import Metrics
internal import Rollout

/// What watching candidates costs the loops, and how many entities that leaves to watch, as metrics.
struct WatchBudgetSource: MetricSource {
    let guards: Guards

    private static let ratio = MetricFamily(
        .gauge, "kassa_guard_watched_ratio",
        help: "Share of entities that a loop watches; 1 while that fits into its budget.",
        labels: ["loop"])
    private static let pairRatio = MetricFamily(
        .gauge, "kassa_guard_pair_ratio",
        help: "Share of entities that a loop has time to score by both models.", labels: ["loop"])
    private static let timeShare = MetricFamily(
        .gauge, "kassa_guard_time_ratio",
        help: "Share of its time that a loop has spent on watching, in its last period.",
        labels: ["loop"])
    private static let timeShareMax = MetricFamily(
        .gauge, "kassa_guard_time_ratio_max",
        help: "Share of its time that a loop may spend on watching.")
    private static let eventSeconds = MetricFamily(
        .gauge, "kassa_guard_event_seconds",
        help: "Processor time that weighing an event costs the guard thread, on average of late.")

    var families: [MetricFamily] {
        [Self.ratio, Self.pairRatio, Self.timeShare, Self.timeShareMax, Self.eventSeconds]
    }

    func collect(into snapshot: inout MetricSnapshot) {
        // A loop without requests has not heard that the rollout is over.
        let isWatching = guards.isWatching
        for (loop, cells) in guards.metrics.budgets.enumerated() {
            func share(_ cell: Int) -> Double { Double(cells.value(at: cell)) / 1e6 }
            snapshot.add(
                Self.ratio, ["\(loop)"], number: isWatching ? share(GuardMetrics.ratioCell) : 1)
            snapshot.add(
                Self.pairRatio, ["\(loop)"],
                number: isWatching ? share(GuardMetrics.pairRatioCell) : 1)
            snapshot.add(
                Self.timeShare, ["\(loop)"],
                number: isWatching ? share(GuardMetrics.timeCell) : 0)
        }
        snapshot.add(Self.timeShareMax, number: WatchBudget.timeShareMax)
        snapshot.add(Self.eventSeconds, number: Double(guards.eventNanoseconds) / 1e9)
    }
}
