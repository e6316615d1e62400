// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A number of runs in which something happened, with what it proves.
package struct Proportion: CustomStringConvertible, Sendable {
    package let count: Int
    package let runs: Int

    package init(count: Int, runs: Int) {
        self.count = count
        self.runs = runs
    }

    /// The exact upper 95 % bound (Clopper and Pearson 1934) of the probability.
    package var upperBound: Double {
        var low = 0.0
        var high = 1.0
        guard count < runs else { return 1 }
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if atMost(count, probability: middle) > 0.05 { low = middle } else { high = middle }
        }
        return high
    }

    /// The probability of so many or more, if it were `probability` in each run.
    package func chance(ifProbability probability: Double) -> Double {
        count == 0 ? 1 : 1 - atMost(count - 1, probability: probability)
    }

    package var description: String {
        "\(count) of \(runs) (\(percent(Double(count) / Double(runs))), at most \(percent(upperBound)))"
    }

    private func atMost(_ count: Int, probability: Double) -> Double {
        var term = Double(runs) * log1p(-probability)
        let odds = log(probability) - log1p(-probability)
        var sum = 0.0
        for index in 0...count {
            sum += exp(term)
            term += odds + log(Double(runs - index)) - log(Double(index + 1))
        }
        return min(sum, 1)
    }

    private func percent(_ value: Double) -> String {
        "\((value * 100_000).rounded() / 1_000) %"
    }
}
