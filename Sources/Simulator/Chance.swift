// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Random draws of the kinds that the simulator needs, the same on every machine.
///
/// Only IEEE 754 basic operations are used, because the C library's `exp` and `log` differ in
/// the last bit between machines, and one bit is enough to send a shopper home.
struct Chance: Sendable {
    private var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    /// 64 random bits, for example the seed of another `Chance`.
    mutating func bits() -> UInt64 {
        generator.next()
    }

    /// A number in 0..<1, with 53 random bits.
    mutating func uniform() -> Double {
        Double(generator.next() >> 11) * 0x1p-53
    }

    /// A whole number in `0..<bound`; the bias of the multiplication is below 2⁻³².
    mutating func integer(below bound: Int) -> Int {
        precondition(bound > 0)
        return Int(generator.next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// Whether something of this probability happens.
    mutating func happens(_ probability: Double) -> Bool {
        uniform() < probability
    }

    /// A standard normal number: the sum of twelve uniform ones, so never beyond ±6.
    mutating func normal() -> Double {
        var sum = -6.0
        for _ in 0..<12 { sum += uniform() }
        return sum
    }

    /// A waiting time with the given mean.
    mutating func exponential(mean: Double) -> Double {
        -mean * Chance.logarithm(1 - uniform())
    }

    /// The index of one of `weights`, each as likely as its weight; negative weights count as zero.
    mutating func index(weights: [Double]) -> Int {
        precondition(!weights.isEmpty)
        var rest = uniform() * weights.reduce(0) { $0 + max($1, 0) }
        for (index, weight) in weights.enumerated() where weight > 0 {
            rest -= weight
            if rest < 0 { return index }
        }
        return weights.lastIndex { $0 > 0 } ?? 0
    }
}

extension Chance {
    /// The natural logarithm of a positive number, by the series of artanh; error below 1e-10.
    static func logarithm(_ value: Double) -> Double {
        precondition(value > 0)
        precondition(value.isFinite)
        let ratio = (value.significand - 1) / (value.significand + 1)
        let square = ratio * ratio
        var power = ratio
        var sum = 0.0
        for odd in stride(from: 1.0, through: 21.0, by: 2.0) {
            sum += power / odd
            power *= square
        }
        return 2 * sum + Double(value.exponent) * 0.693_147_180_559_945_3
    }

    /// e to the given power, which is clamped to ±700; relative error below 1e-13.
    static func exponential(_ power: Double) -> Double {
        precondition(!power.isNaN)
        let clamped = min(max(power, -700), 700)
        let doublings = (clamped / 0.693_147_180_559_945_3).rounded()
        let rest = clamped - doublings * 0.693_147_180_559_945_3
        var term = 1.0
        var sum = 1.0
        for count in stride(from: 1.0, through: 14.0, by: 1.0) {
            term *= rest / count
            sum += term
        }
        return Double(sign: .plus, exponent: Int(doublings), significand: sum)
    }

    /// The logistic function: log-odds to probability.
    static func probability(logOdds: Double) -> Double {
        1 / (1 + exponential(-logOdds))
    }
}
