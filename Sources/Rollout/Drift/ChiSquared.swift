// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The χ² distribution with a whole number of degrees of freedom.
enum ChiSquared {
    /// The probability of a value above `value`.
    ///
    /// The finite sums of Abramowitz and Stegun, Handbook of Mathematical Functions, 26.4.4 and 26.4.5.
    static func upperTail(_ value: Double, degreesOfFreedom: Int) -> Double {
        precondition(degreesOfFreedom >= 1)
        guard value > 0 else { return 1 }
        let half = value / 2
        var sum: Double
        var term: Double
        var order: Double
        if degreesOfFreedom % 2 == 0 {
            (sum, term, order) = (0, exp(-half), 0)
        } else {
            sum = erfc(half.squareRoot())
            (term, order) = (exp(-half) * (half / .pi).squareRoot() * 2, 0.5)
        }
        // Terms exp(−x/2) (x/2)ʲ / Γ(j + 1) for j = 0, 1, … or ½, 3/2, … below ν/2.
        while order < Double(degreesOfFreedom) / 2 - 0.25 {
            sum += term
            order += 1
            term *= half / order
        }
        return min(sum, 1)
    }

    /// The value that is exceeded with probability `probability`, by bisection.
    ///
    /// - Parameter probability: above 0 and below 1; below 10⁻³⁰⁰ is taken as that.
    static func upperQuantile(_ probability: Double, degreesOfFreedom: Int) -> Double {
        let probability = min(max(probability, 1e-300), 1)
        var low = 0.0
        var high = 1.0
        while upperTail(high, degreesOfFreedom: degreesOfFreedom) > probability { high *= 2 }
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if upperTail(middle, degreesOfFreedom: degreesOfFreedom) > probability {
                low = middle
            } else {
                high = middle
            }
        }
        return high
    }
}
