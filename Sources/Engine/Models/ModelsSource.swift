// SPDX-License-Identifier: Apache-2.0

internal import Metrics

/// How many models there are, and how many of them failed their check at start.
struct ModelsSource: MetricSource {
    let published: Published<Configuration>

    private static let models = MetricFamily(
        .gauge, "kassa_models",
        help: "Models, by whether they passed their golden rows at start and are served.",
        labels: ["state"])

    var families: [MetricFamily] { [Self.models] }

    func collect(into snapshot: inout MetricSnapshot) {
        let models = published.current.models.values.joined()
        let served = models.count { $0.isServed }
        snapshot.add(Self.models, ["served"], count: UInt64(clamping: served))
        snapshot.add(Self.models, ["unserved"], count: UInt64(clamping: models.count - served))
    }
}
