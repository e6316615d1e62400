// SPDX-License-Identifier: Apache-2.0

/// What each observation adds to the logarithms, computed once: per share for the bets on arms, once
/// for the others.
struct Bets: Sendable {
    private(set) var risk: [ArmSteps] = []
    private(set) var sampleRatio: [ArmSteps] = []
    let flips: FlipTest
    let brier: BrierTest
    let calibration: CalibrationTest

    private let relativeRiskMax: Double

    init(_ tolerances: Tolerances) {
        relativeRiskMax = tolerances.relativeRiskMax
        flips = FlipTest(rateMax: tolerances.flipRateMax)
        brier = BrierTest(margin: tolerances.brierMargin)
        calibration = CalibrationTest(margin: tolerances.calibrationMargin)
        risk.reserveCapacity(EvidenceLimits.sharesMax)
        sampleRatio.reserveCapacity(EvidenceLimits.sharesMax)
    }

    /// Prepares the bets for one more share.
    mutating func addShare(_ share: Double) {
        risk.append(
            RelativeRisk.steps(share: share, null: relativeRiskMax, factors: RelativeRisk.worse))
        sampleRatio.append(
            RelativeRisk.steps(share: share, null: 1, factors: RelativeRisk.tilts))
    }
}
