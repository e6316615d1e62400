// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The rule of Gauss and Legendre: exact integrals from 0 to 1 of polynomials of a degree below twice
/// the number of points.
struct GaussRule<Points: SIMD<Double> & Sendable>: Sendable {
    var points: Points
    var weights: Points

    init() {
        points = Points(repeating: 0)
        weights = Points(repeating: 0)
        let count = Points.scalarCount
        for index in 0..<count {
            // Newton's method on the Legendre polynomial, from Chebyshev's approximation of its root.
            var x = cos(Double.pi * (Double(index) + 0.75) / (Double(count) + 0.5))
            var slope = 0.0
            for _ in 0..<100 {
                var (value, before) = (1.0, 0.0)
                for degree in 0..<count {
                    let n = Double(degree)
                    (value, before) = (((2 * n + 1) * x * value - n * before) / (n + 1), value)
                }
                slope = Double(count) * (x * value - before) / (x * x - 1)
                let step = value / slope
                x -= step
                if abs(step) < 1e-16 { break }
            }
            points[index] = (1 - x) / 2
            weights[index] = 1 / ((1 - x * x) * slope * slope)
        }
    }
}

extension GaussRule<SIMD4<Double>> {
    static let four = Self()
}

extension GaussRule<SIMD8<Double>> {
    static let eight = Self()
}

extension GaussRule<SIMD16<Double>> {
    static let sixteen = Self()
}

extension GaussRule<SIMD32<Double>> {
    static let thirtyTwo = Self()
}
