// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc
import Testing

@testable import Rollout

struct `The logarithm of our own` {
    @Test func `is the C library's to two units in the last place`() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            // All magnitudes, and many near 1 where a bet's factors are.
            let near = 1 + Double(Int64(bitPattern: generator.next()) >> 12) * 0x1p-52
            let far = Double(
                bitPattern: generator.next() % 0x7FE0_0000_0000_0000 | 0x0010_0000_0000_0000)
            for value in [near, far] where value > 0 {
                let truth = log(value)
                #expect(abs(Logarithm.natural(value) - truth) <= 2 * max(truth.ulp, 0x1p-60))
            }
        }
        #expect(Logarithm.natural(1) == 0)
        #expect(Logarithm.natural(0) == -.infinity)
    }

    @Test func `and exponential are inverse to each other`() {
        for power in stride(from: -690.0, through: 690, by: 0.37) {
            let value = Logarithm.exponential(power)
            #expect(abs(value / exp(power) - 1) < 1e-15)
        }
        #expect(Logarithm.exponential(0) == 1)
        #expect(Logarithm.exponential(-.infinity) == 0)
        #expect(Logarithm.exponential(1e9) == Logarithm.exponential(700))
    }

    @Test func `in fixed point is never above the truth, and less than a unit below`() {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<10_000 {
            let factor = Double(generator.next() >> 11) * 0x1p-53 * 3 + 1e-6
            let units = Double(LogValues.units(ofFactor: factor))
            let truth = log(factor) * 0x1p32
            #expect(units <= truth + 1e-4 && units > truth - 1.0001)
        }
        #expect(LogValues.units(ofFactor: 1) == 0)
        #expect(LogValues.units(ofFactor: 0) == LogValues.lowest)
    }

    @Test func `stays at the bottom once it is there`() {
        var values = LogValues()
        values.add(LogValues.Lanes(repeating: LogValues.lowest))
        values.add(LogValues.Lanes(repeating: 1 << 40))
        #expect(values.largest(0..<8) == LogValues.lowest)
        values = LogValues()
        values.add(LogValues.Lanes(repeating: -(1 << 40)), times: .max)
        #expect(values.largest(0..<8) == LogValues.lowest)
    }
}
