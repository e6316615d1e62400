// SPDX-License-Identifier: Apache-2.0

/// Natural logarithms of up to eight products of betting factors, in fixed point.
///
/// A lane is a whole number of 2⁻³² nats. Factors are rounded down when they enter and added
/// exactly, so the sum depends neither on order nor on where it was interrupted, can be recomputed
/// from counts, and never exceeds the truth: rounding makes a rollback later, by less than a nat in
/// 4·10⁹ events. A lane that would fall under −10⁹ nats stays there, which is a legal bet too: nothing.
struct LogValues: Equatable, Sendable {
    /// Lanes that a value has; which of them count is for the test to say.
    static let laneCount = 8
    /// Fixed-point units in a nat.
    static let unitsPerNat = 0x1p32
    /// The lowest sum.
    static let lowest: Int64 = -(1 << 62)

    /// The lanes' sums in units of 2⁻³² nats.
    var units = SIMD8<Int64>.zero

    /// The logarithm of 1 in every lane.
    init() {}

    /// The logarithm of `factor`, rounded down; ``lowest`` if the factor is 0.
    @inline(__always)
    static func units(ofFactor factor: Double) -> Int64 {
        let scaled = (Logarithm.natural(factor) * unitsPerNat).rounded(.down)
        // A factor lies between 2⁻¹⁰²² and 2¹⁰²³, so its logarithm between ±710 nats.
        return scaled > -0x1p62 ? Int64(scaled) : lowest
    }

    /// Multiplies every lane by a factor whose logarithm is given.
    @inline(__always)
    mutating func add(_ step: SIMD8<Int64>) {
        // No overflow: both terms are above −2⁶², and evidence stops long before 2⁶².
        let sum = units &+ step
        let floor = SIMD8<Int64>(repeating: Self.lowest)
        units = sum.replacing(with: floor, where: (sum .<= floor) .| (units .<= floor))
    }

    /// Multiplies every lane by the `count`-th power of a factor whose logarithm is given.
    mutating func add(_ step: SIMD8<Int64>, times count: UInt64) {
        guard count > 0 else { return }
        for lane in 0..<Self.laneCount {
            let (product, overflow) = step[lane].multipliedReportingOverflow(
                by: Int64(clamping: count))
            let (sum, carry) = units[lane].addingReportingOverflow(product)
            let below = overflow || carry || sum <= Self.lowest || units[lane] <= Self.lowest
            units[lane] = below ? Self.lowest : sum
        }
    }

    /// The logarithm of the mean of the first `count` lanes' products.
    ///
    /// The mean of e-processes is one (Vovk and Wang 2021, "E-values: calibration, combination and
    /// applications", section 3).
    @inline(__always)
    func logMean(_ range: Range<Int>) -> Double {
        var largest = Self.lowest
        for lane in range { largest = max(largest, units[lane]) }
        var sum = 0.0
        for lane in range {
            sum += Logarithm.exponential(Double(units[lane] &- largest) / Self.unitsPerNat)
        }
        return Double(largest) / Self.unitsPerNat + Logarithm.natural(sum / Double(range.count))
    }
}
