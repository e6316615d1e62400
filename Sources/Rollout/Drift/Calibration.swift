// SPDX-License-Identifier: Apache-2.0

/// How well one slot's probabilities agree with outcomes so far.
///
/// The caller decides when an outcome is mature. Bins of the log-odds, a sixteenth wide from −8 to 8, are merged into
/// bins of equal mass when they are read, so rare events keep their resolution.
package struct Calibration: Equatable, Sendable {
    /// Bins of equal mass in ``expectedCalibrationError``.
    package static let binCount = 15
    /// Labels and positives below which there is no ``expectedCalibrationError``.
    package static let labelsMin: UInt64 = 500
    package static let positivesMin: UInt64 = 50

    static let fineBins = 256

    /// Labels taken.
    package internal(set) var labels: UInt64 = 0
    /// Labels refused, because the probability was outside 0...1.
    package internal(set) var refusedLabels: UInt64 = 0
    /// Labels whose outcome happened.
    package internal(set) var positives: UInt64 = 0

    var squaredErrors = 0.0
    var logLosses = 0.0
    var probabilities = 0.0
    var counts = [UInt64](repeating: 0, count: fineBins)
    var outcomes = [UInt64](repeating: 0, count: fineBins)
    var sums = [Double](repeating: 0, count: fineBins)

    /// No label yet.
    package init() {}

    /// Takes one matured outcome.
    ///
    /// - Complexity: O(1), without allocation.
    package mutating func observe(probability: Double, outcome: Bool) {
        guard probability >= 0 && probability <= 1 else {
            refusedLabels &+= 1
            return
        }
        labels &+= 1
        let target = outcome ? 1.0 : 0.0
        let clamped = min(max(probability, 1e-15), 1 - 1e-15)
        let logHappens = Logarithm.natural(clamped)
        let logFails = Logarithm.natural(1 - clamped)
        squaredErrors += (target - probability) * (target - probability)
        logLosses -= outcome ? logHappens : logFails
        probabilities += probability
        let place = (logHappens - logFails + 8) * 16
        let bin = Int(min(max(place, 0), Double(Self.fineBins - 1)))
        counts[bin] &+= 1
        sums[bin] += probability
        if outcome {
            positives &+= 1
            outcomes[bin] &+= 1
        }
    }

    /// The mean squared error (Brier 1950); nil without labels.
    package var brierScore: Double? { labels == 0 ? nil : squaredErrors / Double(labels) }

    /// The mean negative log-likelihood in nats; nil without labels.
    package var logLoss: Double? { labels == 0 ? nil : logLosses / Double(labels) }

    /// Outcomes over their expected number: 1 for a calibrated model; nil without labels.
    package var observedOverExpected: Double? {
        probabilities > 0 ? Double(positives) / probabilities : nil
    }

    /// The mean distance of probabilities from rates, over 15 bins of equal mass (Naeini, Cooper and
    /// Hauskrecht 2015); nil with fewer than 500 labels or 50 positives, where it is mostly noise.
    package var expectedCalibrationError: Double? {
        guard labels >= Self.labelsMin && positives >= Self.positivesMin else { return nil }
        var distance = 0.0
        var bin = (labels: UInt64(0), positives: UInt64(0), sum: 0.0)
        var seen: UInt64 = 0
        var closed: UInt64 = 0
        for index in 0..<Self.fineBins {
            bin.labels += counts[index]
            bin.positives += outcomes[index]
            bin.sum += sums[index]
            seen += counts[index]
            let due = labels * (closed + 1) / UInt64(Self.binCount)
            guard seen >= due && bin.labels > 0 || index == Self.fineBins - 1 else { continue }
            distance += abs(Double(bin.positives) - bin.sum)
            bin = (0, 0, 0)
            closed = seen * UInt64(Self.binCount) / labels
        }
        return distance / Double(labels)
    }
}
