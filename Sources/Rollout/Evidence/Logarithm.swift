// SPDX-License-Identifier: Apache-2.0

/// Logarithm and exponential that give the same bits on every machine.
///
/// The C library's differ in the last bit between processors with and without fused multiply-add, and
/// a verdict must be recomputable bit for bit elsewhere. Only IEEE 754 basic operations are used.
enum Logarithm {
    private static var ln2High: Double { 0x1.62e42fefa38p-1 }
    private static var ln2Low: Double { 0x1.ef35793c7673p-45 }

    /// The natural logarithm; minus infinity for 0. Error below 2 units in the last place.
    ///
    /// ln(2ᵏ m) = k ln 2 + 2 artanh((m − 1)/(m + 1)) with m in [√½, √2), by the series of artanh.
    /// - Parameter value: finite, 0 or more and normal.
    @inline(__always)
    static func natural(_ value: Double) -> Double {
        guard value > 0 else { return -.infinity }
        let bits = value.bitPattern
        // The exponent that leaves a significand in [√½, √2): 0x6A09E is the top of √2's.
        let shifted = bits &+ (0x3FF0_0000_0000_0000 - 0x3FE6_A09E_0000_0000)
        let exponent = Double(Int64(shifted >> 52) - 1_023)
        let significand = Double(
            bitPattern: shifted & 0x000F_FFFF_FFFF_FFFF &+ 0x3FE6_A09E_0000_0000)
        let ratio = (significand - 1) / (significand + 1)
        let square = ratio * ratio
        var sum = 1.0 / 19
        sum = sum * square + 1.0 / 17
        sum = sum * square + 1.0 / 15
        sum = sum * square + 1.0 / 13
        sum = sum * square + 1.0 / 11
        sum = sum * square + 1.0 / 9
        sum = sum * square + 1.0 / 7
        sum = sum * square + 1.0 / 5
        sum = sum * square + 1.0 / 3
        let fraction = 2 * ratio + 2 * ratio * square * sum
        return exponent * ln2High + (exponent * ln2Low + fraction)
    }

    /// e to the given power; 0 below −700, and powers above 700 are taken as 700.
    @inline(__always)
    static func exponential(_ power: Double) -> Double {
        guard power > -700 else { return 0 }
        let clamped = min(power, 700)
        let doublings = (clamped * 0x1.71547652b82fep0).rounded()
        let rest = (clamped - doublings * ln2High) - doublings * ln2Low
        var sum = 1.0 / 6_227_020_800
        sum = sum * rest + 1.0 / 479_001_600
        sum = sum * rest + 1.0 / 39_916_800
        sum = sum * rest + 1.0 / 3_628_800
        sum = sum * rest + 1.0 / 362_880
        sum = sum * rest + 1.0 / 40_320
        sum = sum * rest + 1.0 / 5_040
        sum = sum * rest + 1.0 / 720
        sum = sum * rest + 1.0 / 120
        sum = sum * rest + 1.0 / 24
        sum = sum * rest + 1.0 / 6
        sum = sum * rest + 0.5
        sum = sum * rest + 1
        sum = sum * rest + 1
        return sum * Double(bitPattern: UInt64(bitPattern: Int64(doublings) + 1_023) << 52)
    }
}
