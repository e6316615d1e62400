// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc
import Testing

@testable import Simulator

@Test func `exponential and logarithm agree with the C library to ten digits`() {
    var chance = Chance(seed: 3)
    for _ in 0..<20_000 {
        let power = chance.uniform() * 80 - 40
        #expect(abs(Chance.exponential(power) / exp(power) - 1) < 1e-12)
        let value = exp(power)
        #expect(abs(Chance.logarithm(value) - log(value)) < 1e-10)
    }
    #expect(Chance.exponential(.infinity).isFinite)
    #expect(Chance.exponential(-.infinity) > 0)
    #expect(Chance.logarithm(1) == 0)
}

@Test func `draws have the means and spreads that their names say`() {
    var chance = Chance(seed: 4)
    let count = 100_000
    var normalSum = 0.0
    var normalSquares = 0.0
    var waiting = 0.0
    var picked = [0, 0, 0]
    for _ in 0..<count {
        let normal = chance.normal()
        normalSum += normal
        normalSquares += normal * normal
        waiting += chance.exponential(mean: 7)
        picked[chance.index(weights: [1, -5, 3])] += 1
    }
    #expect(abs(normalSum / Double(count)) < 0.02)
    #expect(abs(normalSquares / Double(count) - 1) < 0.03)
    #expect(abs(waiting / Double(count) - 7) < 0.1)
    #expect(picked[1] == 0)
    #expect(abs(Double(picked[2]) / Double(count) - 0.75) < 0.01)
}

@Test func `an agenda gives its entries back in order of time and then of session`() {
    var chance = Chance(seed: 5)
    var agenda = Agenda()
    var expected: [Agenda.Entry] = []
    for session in 0..<2_000 {
        let entry = Agenda.Entry(
            time: .init(microseconds: Int64(chance.integer(below: 300))), session: session)
        agenda.insert(entry)
        expected.append(entry)
    }
    expected.sort()
    for entry in expected { #expect(agenda.removeFirst() == entry) }
    #expect(agenda.removeFirst() == nil)
}
