// SPDX-License-Identifier: Apache-2.0

/// Natural logarithms of up to eight products of betting factors, in fixed point.
///
/// A lane is a whole number of 2⁻³² nats. Factors are rounded down when they enter and added
/// exactly, so the sum depends neither on order nor on where it was interrupted, can be recomputed
/// from counts, and does not exceed the truth: rounding makes a rollback later, by less than a nat in
/// 4·10⁹ events. A lane that would fall under −10⁹ nats stays there, which is a legal bet too: nothing.
struct LogValues: Equatable, Sendable {
    /// What a value has of each: a lane per alternative; how many count is for the test to say.
    typealias Lanes = [8 of Int64]

    /// Fixed-point units in a nat.
    static var unitsPerNat: Double { 0x1p32 }
    /// The lowest sum.
    static var lowest: Int64 { -(1 << 62) }

    /// The lanes' sums in units of 2⁻³² nats.
    private(set) var units: Lanes

    /// The logarithm of 1 in every lane.
    init() {
        units = Lanes(repeating: 0)
    }

    init(units: Lanes) {
        self.units = units
    }

    /// The logarithm of `factor`, rounded down; ``lowest`` if the factor is 0.
    @inline(__always)
    static func units(ofFactor factor: Double) -> Int64 {
        let scaled = (Logarithm.natural(factor) * unitsPerNat).rounded(.down)
        // A factor lies between 2⁻¹⁰²² and 2¹⁰²³, so its logarithm between ±710 nats.
        return scaled > -0x1p62 ? Int64(scaled) : lowest
    }

    /// Multiplies every lane by a factor whose logarithm is given.
    @inline(__always)
    mutating func add(_ step: Lanes) {
        for lane in units.indices {
            // No overflow: both terms are at least −2⁶², and evidence stops long before 2⁶².
            let sum = units[lane] &+ step[lane]
            units[lane] = units[lane] == Self.lowest ? Self.lowest : max(sum, Self.lowest)
        }
    }

    /// Multiplies every lane by the `count`-th power of a factor whose logarithm is given.
    mutating func add(_ step: Lanes, times count: UInt64) {
        for lane in units.indices where units[lane] > Self.lowest {
            let (product, overflow) = step[lane].multipliedReportingOverflow(
                by: Int64(clamping: count))
            let (sum, carry) = units[lane].addingReportingOverflow(product)
            units[lane] = overflow || carry ? Self.lowest : max(sum, Self.lowest)
        }
    }

    /// Forgets what speaks for the null hypothesis: a lane below 0 becomes 0.
    mutating func raiseToZero() {
        for lane in units.indices { units[lane] = max(units[lane], 0) }
    }

    /// The largest of the lanes in use: a bound of ``logMean(_:)`` without an exponential.
    @inline(__always)
    func largest(_ lanes: Range<Int>) -> Int64 {
        var largest = Self.lowest
        for lane in lanes { largest = max(largest, units[lane]) }
        return largest
    }

    /// The logarithm of the mean of the products of the lanes in use.
    ///
    /// The mean of e-processes is one (Vovk and Wang 2021, "E-values: calibration, combination and
    /// applications", section 3).
    func logMean(_ lanes: Range<Int>) -> Double {
        logMean(lanes, with: LogValues(units: Lanes(repeating: Self.lowest)))
    }

    /// The same of the sums of two products in each lane.
    func logMean(_ lanes: Range<Int>, with other: LogValues) -> Double {
        let largest = max(largest(lanes), other.largest(lanes))
        var sum = 0.0
        for lane in lanes {
            sum += Logarithm.exponential(Double(units[lane] &- largest) / Self.unitsPerNat)
            guard other.units[lane] > Self.lowest else { continue }
            sum += Logarithm.exponential(Double(other.units[lane] &- largest) / Self.unitsPerNat)
        }
        return Double(largest) / Self.unitsPerNat + Logarithm.natural(sum / Double(lanes.count))
    }

    static func == (left: LogValues, right: LogValues) -> Bool {
        left.units.indices.allSatisfy { left.units[$0] == right.units[$0] }
    }
}
