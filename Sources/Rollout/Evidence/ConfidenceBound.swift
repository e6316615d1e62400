// SPDX-License-Identifier: Apache-2.0

/// Bounds that hold at every moment at once (95 % confidence sequences), from the counts.
///
/// A value belongs to the sequence while the bet against it has not reached 1/0.05 (Howard, Ramdas,
/// McAuliffe and Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences",
/// arXiv 1810.08240; Waudby-Smith and Ramdas 2024, arXiv 2010.09686, for inverting bets).
package enum ConfidenceBound {
    /// The evidence at which a value is ruled out: ln 20.
    static let logRuledOut = 2.995_732_273_553_991

    /// The highest relative risk of the canary that the counts have not ruled out; nil if they rule out none
    /// up to 1,000.
    ///
    /// - Complexity: 40 evaluations of all shares; for people and for advancing, not per event.
    package static func relativeRiskMax(_ event: BadEvent, in counts: EvidenceCounts) -> Double? {
        guard rulesOut(relativeRiskAtLeast: 1_000, event, in: counts) else { return nil }
        var low = -6.9
        var high = 6.9
        for _ in 0..<40 {
            let middle = (low + high) / 2
            let risk = Logarithm.exponential(middle)
            if rulesOut(relativeRiskAtLeast: risk, event, in: counts) {
                high = middle
            } else {
                low = middle
            }
        }
        return Logarithm.exponential(high)
    }

    /// Whether the counts rule out that the canary's risk is `risk` times the stable model's, or more.
    package static func rulesOut(
        relativeRiskAtLeast risk: Double, _ event: BadEvent, in counts: EvidenceCounts
    ) -> Bool {
        var values = LogValues()
        for share in counts.shares {
            let steps = RelativeRisk.steps(
                share: share.share, null: risk, factors: RelativeRisk.better)
            values.add(steps, times: share[event])
        }
        return values.logMean(0..<RelativeRisk.better.count) >= logRuledOut
    }

    /// Whether `bad` of `total` rule out that each is bad with probability `rate` or more.
    ///
    /// The factors are alternatives `rate` · θ, as ``FlipTest`` in the other direction.
    package static func rulesOut(
        rateAtLeast rate: Double, bad: UInt64, of total: UInt64
    ) -> Bool {
        guard rate > 0 && rate < 1 && bad <= total else { return false }
        var values = LogValues()
        var badStep = LogValues.Lanes(repeating: 0)
        var goodStep = LogValues.Lanes(repeating: 0)
        for (lane, factor) in RelativeRisk.better.enumerated() {
            badStep[lane] = LogValues.units(ofFactor: factor)
            goodStep[lane] = LogValues.units(ofFactor: (1 - rate * factor) / (1 - rate))
        }
        values.add(badStep, times: bad)
        values.add(goodStep, times: total - bad)
        return values.logMean(0..<RelativeRisk.better.count) >= logRuledOut
    }
}
