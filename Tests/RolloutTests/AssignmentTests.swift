// SPDX-License-Identifier: Apache-2.0

import Base
import Rollout
import Testing

struct `Assignment` {
    @Test(
        arguments: [
            ("", "", 0x3661_0c0f_0fbc_67ca), ("exp-A", "user-1", 0xe14c_aa20_b328_1d8a),
            ("exp-A", "user-2", 0x9e0a_8508_7c2f_8a39), ("exp-B", "user-1", 0xab74_9e4c_56c4_bece),
            ("holdout", "päivi", 0xb0de_bbd7_51c1_d5f6),
        ] as [(String, String, UInt64)])
    func `the hash is frozen`(salt: String, unit: String, hash: UInt64) {
        let bytes = unit.utf8Span.span
        #expect(EntityHash(salt: salt)(bytes) == hash)
    }

    @Test func `a weight is a share of all hashes, to the last one`() throws {
        let quarter = try #require(Weight(percent: 25))
        #expect(quarter.includes(0))
        #expect(quarter.includes(1 << 62 - 1))
        #expect(!quarter.includes(1 << 62))
        #expect(!Weight.none.includes(0))
        #expect(Weight.whole.includes(.max))
        #expect(!(Weight(millionths: 999_999)?.includes(.max) ?? true))
    }

    @Test func `a percentage is from 0 to 100 in steps of 0.0001`() {
        for (percent, millionths) in [
            (0, 0), (0.0001, 1), (0.1, 1_000), (5, 50_000), (33.3333, 333_333), (100, 1_000_000),
        ] as [(Double, UInt32)] {
            #expect(Weight(percent: percent)?.millionths == millionths)
            #expect(Weight(percent: percent)?.percent == percent)
        }
        for percent in [-0.0001, 100.0001, 0.00005, .nan, .infinity, -.infinity, 1e300] {
            #expect(Weight(percent: percent) == nil)
        }
        #expect(Weight(millionths: 1_000_001) == nil)
        #expect(Weight(percent: 5)?.description == "5%")
        #expect(Weight(percent: 0.25)?.description == "0.25%")
        #expect(Weight(percent: 12.0001)?.description == "12.0001%")
    }

    @Test func `raising the weight moves entities only into the canary`() throws {
        let hash = EntityHash(salt: "abandonment/7")
        let weights = try [1, 5, 25, 100].map { try #require(Weight(percent: $0)) }
        var counts = weights.map { _ in 0 }
        for entity in 0..<20_000 {
            let unit = "s-\(entity)"
            let bytes = unit.utf8Span.span
            let value = hash(bytes)
            let isIn = weights.map { $0.includes(value) }
            #expect(!zip(isIn, isIn.dropFirst()).contains { $0 && !$1 })
            for index in isIn.indices where isIn[index] { counts[index] += 1 }
        }
        // Four standard deviations of the binomial.
        for (count, share) in zip(counts, [0.01, 0.05, 0.25]) {
            let deviation = (20_000 * share * (1 - share)).squareRoot()
            #expect(abs(Double(count) - 20_000 * share) < 4 * deviation)
        }
        #expect(counts[3] == 20_000)
    }

    @Test func `two rollouts draw independently`() throws {
        let (first, second) = (EntityHash(salt: "abandonment/7"), EntityHash(salt: "abandonment/8"))
        let half = try #require(Weight(percent: 50))
        var both = 0
        for entity in 0..<20_000 {
            let unit = "s-\(entity)"
            let bytes = unit.utf8Span.span
            if half.includes(first(bytes)), half.includes(second(bytes)) { both += 1 }
        }
        #expect(abs(both - 5_000) < 250)
    }
}
