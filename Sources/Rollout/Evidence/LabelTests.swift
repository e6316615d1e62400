// SPDX-License-Identifier: Apache-2.0

/// Bets that the canary's probabilities are worse than the stable model's on the same outcome.
///
/// D = (y − p)² − (y − p′)² − δ, with p the canary's probability and p′ the stable model's. Against
/// "E[D | past] ≤ 0", the product of 1 + λD is a supermartingale for λ < 1/(1 + δ) (Choe and Ramdas
/// 2023, "Comparing sequential forecasters", arXiv 2110.00115, section 4; no stationarity assumed).
struct BrierTest: Sendable {
    /// The stakes λ.
    static let stakes = [0.1, 0.25, 0.5, 0.8]
    /// The lanes in use.
    static let lanes = 0..<4

    let margin: Double

    /// What one label adds.
    @inline(__always)
    func step(outcome: Double, canary: Double, stable: Double) -> LogValues.Lanes {
        let canaryError = outcome - canary
        let stableError = outcome - stable
        let loss = canaryError * canaryError - stableError * stableError - margin
        var step = LogValues.Lanes(repeating: 0)
        for lane in Self.lanes {
            step[lane] = LogValues.units(ofFactor: 1 + Self.stakes[lane] * loss)
        }
        return step
    }
}

/// Bets that the canary's probabilities are too low or too high, where the stable model's are not.
///
/// In each direction two products of 1 + λ(error − ε): one of the canary's error against the
/// outcome, one of its difference from the stable model in the same direction. The smaller of the
/// two counts, which is an e-process against "within the margin, or off together with stable"; so a
/// world that changed for both models is no evidence against the canary. The directions are averaged.
struct CalibrationTest: Sendable {
    /// The stakes λ, for each of the two directions.
    static let stakes = [0.05, 0.1, 0.2, 0.4]
    /// The lanes that bet on probabilities that are too low, and too high.
    static let tooLow = 0..<4
    static let tooHigh = 4..<8

    let margin: Double

    /// What one label adds, when a probability should have been `target`.
    @inline(__always)
    func step(target: Double, probability: Double) -> LogValues.Lanes {
        let low = target - probability - margin
        let high = probability - target - margin
        var step = LogValues.Lanes(repeating: 0)
        for lane in 0..<4 {
            step[lane] = LogValues.units(ofFactor: 1 + Self.stakes[lane] * low)
            step[lane + 4] = LogValues.units(ofFactor: 1 + Self.stakes[lane] * high)
        }
        return step
    }

    /// The logarithm of the evidence.
    static func log(absolute: OnsetMixture, relative: OnsetMixture) -> Double {
        let low = min(absolute.logMean(tooLow), relative.logMean(tooLow))
        let high = min(absolute.logMean(tooHigh), relative.logMean(tooHigh))
        let larger = max(low, high)
        let sum = Logarithm.exponential(low - larger) + Logarithm.exponential(high - larger)
        return larger + Logarithm.natural(sum / 2)
    }

    /// What ``log(absolute:relative:)`` does not exceed, in fixed point.
    @inline(__always)
    static func bound(absolute: OnsetMixture, relative: OnsetMixture) -> Int64 {
        max(
            min(absolute.largest(tooLow), relative.largest(tooLow)),
            min(absolute.largest(tooHigh), relative.largest(tooHigh)))
    }
}
