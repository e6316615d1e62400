// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Metrics

/// The calibration of every slot that has one, and the scores that are kept.
struct CalibrationSource: MetricSource {
    let engine: Engine

    private static func gauge(
        _ name: String, _ help: String, labels: [String] = ["scorer", "slot"]
    ) -> MetricFamily {
        MetricFamily(.gauge, name, help: help, labels: labels)
    }

    private static let labels = gauge(
        "kassa_calibration_labels", "Labels that the calibration of a slot is computed from.")
    private static let positives = gauge(
        "kassa_calibration_positives", "Of those, labels whose outcome happened.")
    private static let brier = gauge(
        "kassa_calibration_brier", "Mean squared error of a slot's probabilities.")
    private static let logLoss = gauge(
        "kassa_calibration_log_loss", "Mean negative log-likelihood, in nats.")
    private static let ratio = gauge(
        "kassa_calibration_observed_over_expected", "Positives over their expected number.")
    private static let error = gauge(
        "kassa_calibration_ece",
        "Expected calibration error over 15 bins of equal mass, from 500 labels and 50 positives on."
    )
    private static let recorded = gauge(
        "kassa_outcome_scores", "Recorded scores that are kept.", labels: ["scorer"])
    private static let open = gauge(
        "kassa_outcome_open_scores", "Recorded scores that have not matured.", labels: ["scorer"])

    var families: [MetricFamily] {
        [
            Self.labels, Self.positives, Self.brier, Self.logLoss, Self.ratio, Self.error,
            Self.recorded, Self.open,
        ]
    }

    func collect(into snapshot: inout MetricSnapshot) {
        for spec in engine.published.current.scorerSpecs.prefix(EngineMetrics.scorerSeriesMax) {
            // A store that cannot be read at the moment has no numbers.
            guard
                let found = try? engine.calibration(
                    KassaV1.GetCalibrationRequest(scorer: spec.name))
            else { continue }
            if found.recordedScores > 0 || !found.slots.isEmpty {
                snapshot.add(Self.recorded, [spec.name], count: found.recordedScores)
                snapshot.add(Self.open, [spec.name], count: found.openScores)
            }
            for slot in found.slots {
                let labels = [spec.name, slot.slot.name]
                snapshot.add(Self.labels, labels, count: slot.labels)
                snapshot.add(Self.positives, labels, count: slot.positives)
                if let brier = slot.brier { snapshot.add(Self.brier, labels, number: brier) }
                if let loss = slot.logLoss { snapshot.add(Self.logLoss, labels, number: loss) }
                if let ratio = slot.observedOverExpected {
                    snapshot.add(Self.ratio, labels, number: ratio)
                }
                if let error = slot.expectedCalibrationError {
                    snapshot.add(Self.error, labels, number: error)
                }
            }
        }
    }
}
