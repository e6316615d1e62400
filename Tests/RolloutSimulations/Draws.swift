// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Glibc

/// Random draws from one seed.
struct Draws {
    private var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    /// The hash of an entity that has not been seen before.
    mutating func entity() -> UInt64 { generator.next() }

    /// A number in 0..<1.
    mutating func uniform() -> Double { Double(generator.next() >> 11) * 0x1p-53 }

    /// One of so many.
    mutating func index(below count: Int) -> Int {
        Int((generator.next() >> 32) &* UInt64(count) >> 32)
    }

    /// Whether something of this probability happens.
    mutating func happens(_ probability: Double) -> Bool { uniform() < probability }

    /// How many trials it takes until something of this probability happens, 1 or more.
    mutating func trials(until probability: Double) -> Double {
        probability >= 1 ? 1 : (log1p(-uniform()) / log1p(-probability)).rounded(.down) + 1
    }

    /// A standard normal number (Box and Muller).
    mutating func normal() -> Double {
        (-2 * log1p(-uniform())).squareRoot() * cos(2 * .pi * uniform())
    }

    /// A gamma-distributed number of shape 1 or more (Marsaglia and Tsang 2000).
    mutating func gamma(_ shape: Double) -> Double {
        let d = shape - 1.0 / 3
        while true {
            let x = normal()
            let root = 1 + x / (9 * d).squareRoot()
            guard root > 0 else { continue }
            let v = root * root * root
            if log(1 - uniform()) < x * x / 2 + d - d * v + d * log(v) { return d * v }
        }
    }

    /// A beta-distributed number with both parameters 1 or more.
    mutating func beta(_ a: Double, _ b: Double) -> Double {
        let x = gamma(a)
        return x / (x + gamma(b))
    }
}
