// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Metrics
internal import Rollout
internal import Synchronization

extension Guards: MetricSource {
    private static let evidence = MetricFamily(
        .gauge, "kassa_rollout_log_evidence",
        help: "Natural logarithm of the evidence against a model on trial; merged decides.",
        labels: ["scorer", "component"])
    private static let frozen = MetricFamily(
        .gauge, "kassa_rollout_frozen",
        help: "1 if the evidence against a model on trial keeps its weight from rising.",
        labels: ["scorer"])
    private static let phase = MetricFamily(
        .gauge, "kassa_rollout_phase", help: "1 for the phase that a scorer's rollout is in.",
        labels: ["scorer", "phase"])
    private static let events = MetricFamily(
        .counter, "kassa_guard_events_total", help: "Requests that guards have weighed.")
    private static let dropped = MetricFamily(
        .counter, "kassa_guard_events_dropped_total",
        help: "Requests that guards have not weighed, because a ring was full or the rollout over.")
    private static let rollback = MetricFamily(
        .gauge, "kassa_rollback_seconds",
        help: "Of the last rollback: from the event that decided to the last bad answer.",
        labels: ["scorer"])

    var families: [MetricFamily] {
        [Self.evidence, Self.frozen, Self.phase, Self.events, Self.dropped, Self.rollback]
    }

    func collect(into snapshot: inout MetricSnapshot) {
        let refused = rings.reduce(0) { $0 &+ $1.refusedCount }
        let (open, events, lost, last) = state.withLock { state in
            (
                state.open.values.map {
                    ($0.scorer, $0.rollout.phase.name, KassaV1.GuardStatus($0.evidence))
                },
                state.eventCount,
                state.lostCount,
                state.rolledBack
            )
        }
        for (scorer, phase, status) in open.sorted(by: { $0.0 < $1.0 }) {
            snapshot.add(Self.phase, [scorer, phase], count: 1)
            snapshot.add(Self.evidence, [scorer, "merged"], number: status.logEvidence)
            for component in status.components {
                snapshot.add(
                    Self.evidence, [scorer, component.name], number: component.logEvidence)
            }
            snapshot.add(Self.frozen, [scorer], count: status.verdict == "WITHIN" ? 0 : 1)
        }
        snapshot.add(Self.events, count: events)
        snapshot.add(Self.dropped, count: refused &+ lost)
        if let last {
            snapshot.add(Self.rollback, [last.scorer], number: Double(last.microseconds) / 1e6)
        }
    }
}
