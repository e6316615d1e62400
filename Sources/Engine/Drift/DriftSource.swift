// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Metrics
internal import Rollout

/// How far features have moved, for whoever watches the metrics.
struct DriftSource: MetricSource {
    let guardian: DriftGuard
    let published: Published<Configuration>

    private static let psi = MetricFamily(
        .gauge, "kassa_feature_psi",
        help: "Population stability index of a feature against its reference, last window.",
        labels: ["scorer", "feature", "slot"])
    private static let threshold = MetricFamily(
        .gauge, "kassa_feature_psi_threshold",
        help: "The index from which on it is an alarm, at that window's size.",
        labels: ["scorer", "feature", "slot"])
    private static let on = MetricFamily(
        .gauge, "kassa_drift_alarms_on",
        help: "Alarms of features and scores that are on now.", labels: ["scorer", "slot"])
    private static let usual = MetricFamily(
        .gauge, "kassa_feature_usual",
        help:
            "1 if what exceeds training's tolerance is usual at this hour of the day.",
        labels: ["scorer", "feature", "slot"])
    private static let raised = MetricFamily(
        .counter, "kassa_drift_alarms_total",
        help: "Alarms of features and scores that began.", labels: ["scorer", "slot", "signal"])
    private static let leftOut = MetricFamily(
        .gauge, "kassa_feature_psi_left_out",
        help: "Features beyond the bound, whose index is not told.")

    var families: [MetricFamily] {
        [Self.psi, Self.threshold, Self.usual, Self.on, Self.raised, Self.leftOut]
    }

    func collect(into snapshot: inout MetricSnapshot) {
        let (scorers, raised) = guardian.all
        var told = 0
        var leftOut = 0
        for scorer in published.current.scorers {
            let name = scorer.spec.name
            guard scorer.slot != .previous,
                let model = scorers[name]?.models[scorer.model.bundleDigest]
            else { continue }
            let alarms = model.features.reduce(0) { $0 + $1.alarms.count }
            snapshot.add(Self.on, [name, scorer.slot.name], count: UInt64(alarms))
            for feature in model.features where feature.drift.psiThreshold.isFinite {
                guard told < DriftLimits.seriesMax else {
                    leftOut += 1
                    continue
                }
                told += 1
                let labels = [name, feature.watch.name, scorer.slot.name]
                snapshot.add(Self.psi, labels, number: feature.drift.psi)
                snapshot.add(Self.threshold, labels, number: feature.drift.psiThreshold)
                snapshot.add(Self.usual, labels, count: feature.usual.isEmpty ? 0 : 1)
            }
        }
        for (alarm, count) in raised {
            snapshot.add(Self.raised, [alarm.scorer, alarm.slot, alarm.signal], count: count)
        }
        snapshot.add(Self.leftOut, count: UInt64(leftOut))
    }
}
