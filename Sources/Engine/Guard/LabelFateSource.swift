// SPDX-License-Identifier: Apache-2.0

internal import Metrics

/// What became of labels that guards were given, as a metric.
struct LabelFateSource: MetricSource {
    let guards: Guards

    private static let labels = MetricFamily(
        .counter, "kassa_guard_labels_total",
        help: "Known labels of requests that guards have watched, by what became of them.",
        labels: ["fate"])

    var families: [MetricFamily] { [Self.labels] }

    func collect(into snapshot: inout MetricSnapshot) {
        let counts = guards.labelCounts
        for fate in LabelFate.allCases {
            snapshot.add(Self.labels, [fate.rawValue], count: counts[fate] ?? 0)
        }
    }
}
