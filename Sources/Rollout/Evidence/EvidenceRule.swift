// SPDX-License-Identifier: Apache-2.0

/// The rule of one rollout: what is tolerated, what counts how much, and when it is enough.
///
/// Fixed when the rollout starts. The guarantee: if the canary is within ``tolerances`` in every
/// component, it is ever rolled back for evidence with probability at most ``alpha``.
package struct EvidenceRule: Equatable, Sendable {
    /// The version of the formulas behind these numbers; stored with every verdict.
    ///
    /// Version 1 bet everything at the start, version 2 let nobody speak anew to bets that began later; their
    /// records are read, explained and gone on with as such.
    package static let version: UInt16 = 3

    /// The highest tolerated probability of rolling back a canary that is within its tolerances.
    package var alpha = 0.001
    /// Evidence from which on the weight is not raised, as a multiple: 30 is odds of 30 to 1.
    package var freezeAt = 30.0
    /// What the canary may do and still be as good as declared.
    package var tolerances = Tolerances()
    /// The weight of each component by its raw value; they add up to 1.
    package var weights = [0.30, 0.15, 0.15, 0.15, 0.15, 0.10]
    /// Evidence from which on the split of entities is taken as broken, as a multiple.
    package var sampleRatioAlarmAt = 10_000.0

    /// The default rule.
    package init() {}

    /// Why the rule cannot be used; nil if it can.
    package var fault: EvidenceError? {
        guard alpha > 0 && alpha <= 0.5 else { return .outOfRange("alpha") }
        guard freezeAt >= 1 && freezeAt <= 1 / alpha else { return .outOfRange("freeze_at") }
        guard sampleRatioAlarmAt > 1 && sampleRatioAlarmAt <= 1e12 else {
            return .outOfRange("sample_ratio_alarm_at")
        }
        guard weights.count == EvidenceComponent.allCases.count,
            weights.allSatisfy({ $0 >= 0 && $0 <= 1 }),
            abs(weights.reduce(0, +) - 1) < 1e-9
        else { return .outOfRange("weights") }
        return tolerances.fault
    }
}

/// What a canary may do and still count as good: the null hypothesis of every component.
package struct Tolerances: Equatable, Sendable {
    /// The canary's rate of a bad event may be this multiple of the stable model's; 1 to 10.
    package var relativeRiskMax = 1.25
    /// The share of entities whose decision may differ from the stable model's; 10⁻⁶ to 0.5.
    package var flipRateMax = 0.02
    /// By how much the canary's Brier score may exceed the stable model's; 0 to 0.1.
    package var brierMargin = 0.0005
    /// By how much the mean probability may miss the rate of outcomes; 0 to 0.2.
    package var calibrationMargin = 0.01

    /// The default tolerances.
    package init() {}

    var fault: EvidenceError? {
        guard relativeRiskMax >= 1 && relativeRiskMax <= 10 else {
            return .outOfRange("relative_risk_max")
        }
        guard flipRateMax >= 1e-6 && flipRateMax <= 0.5 else {
            return .outOfRange("flip_rate_max")
        }
        guard brierMargin >= 0 && brierMargin <= 0.1 else { return .outOfRange("brier_margin") }
        guard calibrationMargin >= 0 && calibrationMargin <= 0.2 else {
            return .outOfRange("calibration_margin")
        }
        return nil
    }
}
