// SPDX-License-Identifier: Apache-2.0

/// Bets on which arm a bad event falls.
///
/// Given that an entity has its first bad event while the canary holds the share w, the arm is a
/// biased coin: with a relative risk of ρ it shows the canary with probability
/// q(ρ) = wρ / (wρ + 1 − w), whatever the common base rate does (Lindon and Malek 2020, "Anytime-valid
/// inference for multinomial count data", arXiv 2011.03567, section 4). Against "the risk is at most
/// ρ", betting p/q on the canary and (1 − p)/(1 − q) on stable with p = q(ρR) > q(ρ) is a
/// supermartingale, because its mean grows with the coin's bias and is 1 at q. The same with R < 1
/// bets against "the risk is at least ρ".
///
/// Where both models have each request, w is ½ and an event may be both's. With X and Y for "the canary's"
/// and "the stable model's", "the risk is at most ρ" says that X − ρY is at most 0 in the mean. The bets
/// above are 1 + λ(X − ρY) with λ = p/q − 1, so an event of both is worth 1 + λ(1 − ρ): it speaks for a
/// canary that may be worse by ρ, and for nobody if ρ is 1 (then this is McNemar 1947). Without it, a
/// canary that fails at 11 requests in 100 would be convicted because its stable model fails at ten of
/// the same.
///
/// A bet is fixed by the share and the counts, so its value is a sum of counts times constants.
enum RelativeRisk {
    /// The factors R of the evidence against a canary: from a doubling to a collapse.
    static let worse = [2.0, 3, 5, 10, 30]
    /// The lanes of ``worse``.
    static let worseLanes = 0..<5
    /// The factors R of the evidence for a canary.
    static let better = [1 / 1.25, 1 / 1.5, 1 / 2.0, 1 / 3.0, 1 / 5.0, 1 / 10.0]
    /// The tilts of the sample-ratio test: the odds of the canary's share times these.
    static let tilts = [0.5, 0.8, 0.9, 0.95, 1.05, 1.1, 1.25, 2]

    /// The lanes of ``tilts``.
    static let tiltLanes = 0..<8

    /// The probability that a bad event falls on the canary.
    static func canaryProbability(share: Double, risk: Double) -> Double {
        share * risk / (share * risk + (1 - share))
    }

    /// What one event on either arm adds to the logarithms, a lane per factor; nothing at the shares
    /// 0 and 1, where there is nothing to compare.
    static func steps(share: Double, null: Double, factors: [Double]) -> ArmSteps {
        var steps = ArmSteps()
        guard share > 0 && share < 1 else { return steps }
        let expected = canaryProbability(share: share, risk: null)
        for (lane, factor) in factors.enumerated() {
            let claimed = canaryProbability(share: share, risk: null * factor)
            steps.canary[lane] = LogValues.units(ofFactor: claimed / expected)
            steps.stable[lane] = LogValues.units(ofFactor: (1 - claimed) / (1 - expected))
            steps.both[lane] = LogValues.units(
                ofFactor: 1 + (claimed / expected - 1) * (1 - null))
        }
        return steps
    }
}

/// What one event on either arm adds to the logarithms of a test, a lane per alternative; for bad events also
/// what one of both models adds.
struct ArmSteps: Sendable {
    var stable = LogValues.Lanes(repeating: 0)
    var canary = LogValues.Lanes(repeating: 0)
    var both = LogValues.Lanes(repeating: 0)

    @inline(__always)
    subscript(arm: Arm) -> LogValues.Lanes { arm == .canary ? canary : stable }

    @inline(__always)
    subscript(side: EventSide) -> LogValues.Lanes {
        switch side {
        case .stable: stable
        case .canary: canary
        case .both: both
        }
    }
}

extension LogValues {
    /// Multiplies by the factors of that many events.
    mutating func add(_ steps: ArmSteps, times counts: ArmCounts) {
        add(steps.stable, times: counts.stable)
        add(steps.canary, times: counts.canary)
    }

    /// Multiplies by the factors of that many bad events.
    mutating func add(_ steps: ArmSteps, times counts: EventCounts) {
        add(steps, times: counts.alone)
        add(steps.both, times: counts.both)
    }
}
