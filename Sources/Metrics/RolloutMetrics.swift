// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What the guard of rollouts knows, published whole by its thread and read at each scrape.
///
/// The number of series is bounded, whatever is configured: what is beyond a bound is left out and counted.
/// Scorers and features come and go with the readings, so a rollout that ended leaves no series behind.
package final class RolloutMetrics: MetricSource {
    /// Scorers with series of their own.
    package static let scorersMax = 256
    /// Components of one scorer's evidence.
    package static let componentsMax = 16
    /// Features, by slot, over all scorers.
    package static let driftsMax = 4_000

    private let readings = Mutex<[RolloutReading]>([])

    /// Metrics of no rollout yet.
    package init() {}

    /// Replaces all readings, from any thread.
    package func publish(_ readings: [RolloutReading]) {
        self.readings.withLock { $0 = readings }
    }

    private static let phase = MetricFamily(
        .gauge, "kassa_rollout_phase", help: "1 for the phase that a scorer's rollout is in.",
        labels: ["scorer", "phase"])
    private static let frozen = MetricFamily(
        .gauge, "kassa_rollout_frozen",
        help: "1 if the evidence keeps a canary's weight from rising.", labels: ["scorer"])
    private static let evidence = MetricFamily(
        .gauge, "kassa_rollout_log_evidence",
        help: "Natural logarithm of the evidence against a canary; merged is what decides.",
        labels: ["scorer", "component"])
    private static let psi = MetricFamily(
        .gauge, "kassa_feature_psi",
        help: "Population stability index of a feature against its reference, last window.",
        labels: ["scorer", "feature", "slot"])
    private static let threshold = MetricFamily(
        .gauge, "kassa_feature_psi_threshold",
        help: "The index from which on it is an alarm, at that window's size.",
        labels: ["scorer", "feature", "slot"])
    private static let leftOut = MetricFamily(
        .gauge, "kassa_rollout_series_left_out",
        help: "Series of rollouts beyond the bound, which are not told.")

    /// Every family of rollouts.
    package var families: [MetricFamily] {
        [Self.phase, Self.frozen, Self.evidence, Self.psi, Self.threshold, Self.leftOut]
    }

    /// Adds the last readings, up to the bounds.
    package func collect(into snapshot: inout MetricSnapshot) {
        let readings = readings.withLock { $0 }
        var leftOut = 0
        var drifts = 0
        for (index, reading) in readings.enumerated() {
            guard index < Self.scorersMax else {
                leftOut += 2 + reading.evidence.count + 2 * reading.drift.count
                continue
            }
            snapshot.add(Self.phase, [reading.scorer, reading.phase], count: 1)
            snapshot.add(Self.frozen, [reading.scorer], count: reading.isFrozen ? 1 : 0)
            for evidence in reading.evidence.prefix(Self.componentsMax) {
                snapshot.add(
                    Self.evidence, [reading.scorer, evidence.component], number: evidence.logValue)
            }
            leftOut += max(0, reading.evidence.count - Self.componentsMax)
            let told = reading.drift.prefix(Self.driftsMax - drifts)
            for drift in told {
                let labels = [reading.scorer, drift.feature, drift.slot]
                snapshot.add(Self.psi, labels, number: drift.psi)
                snapshot.add(Self.threshold, labels, number: drift.threshold)
            }
            drifts += told.count
            leftOut += 2 * (reading.drift.count - told.count)
        }
        snapshot.add(Self.leftOut, count: UInt64(leftOut))
    }
}
