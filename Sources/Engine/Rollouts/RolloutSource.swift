// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Metrics
internal import Rollout
internal import Synchronization

/// What is in slots, for whoever watches the metrics.
struct RolloutSource: MetricSource {
    let engine: Engine

    private static let weight = MetricFamily(
        .gauge, "kassa_rollout_weight_ratio",
        help: "Share of a scorer's entities that its canary answers.", labels: ["scorer"])
    private static let revision = MetricFamily(
        .counter, "kassa_rollout_transitions_total", help: "Changes of a scorer's slots.",
        labels: ["scorer"])
    private static let quarantined = MetricFamily(
        .gauge, "kassa_rollout_quarantined_bundles", help: "Bundles that are kept out of slots.")
    private static let unrecorded = MetricFamily(
        .gauge, "kassa_rollout_unrecorded_changes",
        help: "Retreats that are in force and that the store has not taken yet.")

    private static let unnoted = MetricFamily(
        .gauge, "kassa_rollout_note_missing",
        help:
            "1 if a retreat is in force that neither the store nor the file beside it has taken: a "
            + "restart would not know of it.")

    var families: [MetricFamily] {
        [Self.weight, Self.revision, Self.quarantined, Self.unrecorded, Self.unnoted]
    }

    func collect(into snapshot: inout MetricSnapshot) {
        let book = engine.published.current.rollouts
        for (name, entry) in book.scorers.sorted(by: { $0.key < $1.key }) {
            snapshot.add(
                Self.weight, [name],
                number: Double(entry.slots.openRollout?.weight.millionths ?? 0) / 1e6)
            snapshot.add(Self.revision, [name], count: entry.slots.revision)
        }
        snapshot.add(Self.quarantined, count: UInt64(book.quarantine.count))
        snapshot.add(Self.unrecorded, count: UInt64(engine.pendingRecordCount))
        snapshot.add(Self.unnoted, count: engine.isNoteMissing.load(ordering: .relaxed) ? 1 : 0)
    }
}
