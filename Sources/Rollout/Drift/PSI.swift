// SPDX-License-Identifier: Apache-2.0

/// The population stability index, and how large it may be by chance.
package enum PSI {
    /// The index from which on a shift is worth a page, however sure it is.
    package static let shiftMin = 0.25
    /// Values that a window must have.
    package static let windowValuesMin: UInt64 = 1_000

    /// Σ (a − b) ln(a/b) over bins, with a = (c + ½)/(n + B/2) so that an empty bin has a logarithm.
    ///
    /// - Complexity: O(bins).
    package static func index(_ counts: [UInt64], reference: [UInt64]) -> Double {
        precondition(counts.count == reference.count)
        let half = 0.5 * Double(counts.count)
        let total = Double(counts.reduce(0, &+)) + half
        let referenceTotal = Double(reference.reduce(0, &+)) + half
        var sum = 0.0
        for bin in counts.indices {
            let share = (Double(counts[bin]) + 0.5) / total
            let expected = (Double(reference[bin]) + 0.5) / referenceTotal
            sum += (share - expected) * (Logarithm.natural(share) - Logarithm.natural(expected))
        }
        return sum
    }

    /// The threshold for n values against a reference of m: max(0.25, (1/n + 1/m) χ²) with the
    /// quantile of χ² with B − 1 degrees of freedom that is exceeded with probability `error`.
    ///
    /// Without a shift PSI is about (1/n + 1/m) times a χ² (Yurdakul and Naranjo 2020, "Statistical
    /// properties of the population stability index", Journal of Risk Model Validation 14(4)); so
    /// the usual constants 0.1 and 0.25 are noise for a few hundred values.
    package static func threshold(
        values: UInt64, referenceValues: UInt64, bins: Int, error: Double
    ) -> Double {
        guard values > 0 && referenceValues > 0 && bins > 1 else { return .infinity }
        let size = 1 / Double(values) + 1 / Double(referenceValues)
        return max(shiftMin, size * ChiSquared.upperQuantile(error, degreesOfFreedom: bins - 1))
    }
}
