// SPDX-License-Identifier: Apache-2.0

/// Bets that decisions flip more often than was declared.
///
/// Per entity scored by both models, X says whether the decisions differ. Against "P(X) ≤ φ given the
/// past", a bet of φ'/φ on X and (1 − φ')/(1 − φ) on its absence with φ' = rφ is a supermartingale
/// (Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting", arXiv
/// 2010.09686, section 4, with 0/1 values).
struct FlipTest: Sendable {
    /// The alternatives r, as multiples of the declared rate.
    static let factors = [1.5, 2.0, 3, 5]
    /// The lanes in use.
    static let lanes = 0..<4

    private var same = LogValues.Lanes(repeating: 0)
    private var differing = LogValues.Lanes(repeating: 0)

    /// The bets against a declared rate.
    init(rateMax: Double) {
        for (lane, factor) in Self.factors.enumerated() {
            // An alternative is a probability: beyond it, half of what is left above the declared rate.
            let alternative = min(factor * rateMax, (1 + rateMax) / 2)
            same[lane] = LogValues.units(ofFactor: (1 - alternative) / (1 - rateMax))
            differing[lane] = LogValues.units(ofFactor: alternative / rateMax)
        }
    }

    /// What one pair adds.
    @inline(__always)
    func step(differs: Bool) -> LogValues.Lanes { differs ? differing : same }

    /// The logarithms after that many pairs.
    func values(pairs: UInt64, differing count: UInt64) -> LogValues {
        var values = LogValues()
        values.add(same, times: pairs &- count)
        values.add(differing, times: count)
        return values
    }
}
