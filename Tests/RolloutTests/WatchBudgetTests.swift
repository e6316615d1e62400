// SPDX-License-Identifier: Apache-2.0

import Base
import Testing

@testable import Rollout

struct `A budget of watching` {
    private static let period = WatchBudget.periodNanoseconds

    /// The budget after so many periods of a loop that gets `perSecond` entities a second, each of which
    /// costs `nanoseconds` if it is watched.
    private static func budget(
        periods: Int, perSecond: Double, nanoseconds: Double, from budget: WatchBudget? = nil,
        at start: UInt64 = 1
    ) -> WatchBudget {
        var budget = budget ?? WatchBudget()
        budget.settle(at: start)
        for number in 1...UInt64(periods) {
            let watched = perSecond * Double(period) / 1e9 * budget.ratio
            budget.spend(nanoseconds: UInt64(watched * nanoseconds))
            budget.settle(at: start + number * period)
        }
        return budget
    }

    @Test func `watches everything as long as that is cheap`() {
        for perSecond in [0.0, 1_000, 20_000] {
            let budget = Self.budget(periods: 100, perSecond: perSecond, nanoseconds: 2_000)
            #expect(budget.ratio == 1)
            #expect(budget.watches(.max))
        }
    }

    @Test func `spends its share of the time at saturation, and no more`() {
        for cost in [700.0, 2_000, 10_000] {
            let budget = Self.budget(periods: 50, perSecond: 300_000, nanoseconds: cost)
            #expect(abs(budget.timeShare - WatchBudget.timeShareMax) < 0.001, "\(cost)")
            #expect(budget.ratio < 1)
        }
    }

    @Test func `gets there within a fifth of a second`() {
        let budget = Self.budget(periods: 10, perSecond: 300_000, nanoseconds: 1_000)
        #expect(budget.timeShare < WatchBudget.timeShareMax * 1.01)
    }

    @Test func `never watches less than its least share, whatever that costs`() {
        let budget = Self.budget(periods: 100, perSecond: 300_000, nanoseconds: 1e6)
        #expect(budget.ratio == WatchBudget.ratioMin)
        #expect(budget.watches(EntityDraw.largest(ofShare: WatchBudget.ratioMin)))
        #expect(!budget.watches(EntityDraw.largest(ofShare: WatchBudget.ratioMin) + 1))
    }

    @Test func `watches everything again once there is time`() {
        let busy = Self.budget(periods: 50, perSecond: 300_000, nanoseconds: 2_000)
        let start = 1 + 50 * Self.period
        let calm = Self.budget(
            periods: 30, perSecond: 5_000, nanoseconds: 2_000, from: busy, at: start)
        #expect(calm.ratio == 1)
        // A pause is as many periods as it was long.
        var rested = busy
        rested.settle(at: start + 1_000 * Self.period)
        #expect(rested.ratio == 1)
    }

    @Test func `does not fall below half of its share for one interruption`() {
        var budget = WatchBudget()
        budget.settle(at: 0)
        budget.spend(nanoseconds: .max)
        budget.settle(at: Self.period)
        #expect(budget.ratio == 0.5)
        #expect(budget.timeShare == 1)
    }

    @Test func `of all of the time watches everything`() {
        let budget = Self.budget(
            periods: 50, perSecond: 1e6, nanoseconds: 1e6, from: WatchBudget(timeShareMax: 1))
        #expect(budget.ratio == 1)
    }

    @Test func `changes only at the end of a period, whatever was spent in it`() {
        var budget = WatchBudget()
        budget.settle(at: 5)
        budget.spend(nanoseconds: 1_000_000_000)
        let isEarly = budget.settle(at: 5 + Self.period - 1)
        #expect(!isEarly && budget.ratio == 1)
        let isOver = budget.settle(at: 5 + Self.period)
        #expect(isOver && budget.ratio < 1)
        // A clock that goes back is no period.
        let isBack = budget.settle(at: 0)
        #expect(!isBack)
    }

    @Test(arguments: [0.01, 0.1, 0.5]) func `leaves the arms as they were at every share`(
        weight: Double
    ) {
        // By assignment hashes as they are: the arm is decided by how large the hash is.
        let hash = EntityHash(salt: "a rollout")
        let count = 400_000
        for share in [WatchBudget.ratioMin, 0.1, 0.37] {
            let largest = EntityDraw.largest(ofShare: share)
            var (watched, canary) = (0, 0)
            for number in 0..<count {
                let entity = hash(Array("session-\(number)".utf8).span)
                guard EntityDraw.of(entity) <= largest else { continue }
                watched += 1
                if Double(entity) * 0x1p-64 < weight { canary += 1 }
            }
            // Within five standard deviations of what is expected.
            let spread = 5 * (Double(count) * share * (1 - share)).squareRoot()
            #expect(abs(Double(watched) - Double(count) * share) < spread)
            let armSpread = 5 * (Double(watched) * weight * (1 - weight)).squareRoot()
            #expect(abs(Double(canary) - Double(watched) * weight) < armSpread)
        }
    }

    @Test func `leaves out as many of those that both models score`() {
        let hash = EntityHash(salt: "a rollout")
        let (watched, pairs) = (
            EntityDraw.largest(ofShare: 0.25), EntityDraw.largest(ofShare: 0.05)
        )
        var counts = (pairs: 0, watched: 0)
        for number in 0..<400_000 {
            let entity = hash(Array("session-\(number)".utf8).span)
            guard EntityDraw.ofPairs(of: entity) <= pairs else { continue }
            counts.pairs += 1
            if EntityDraw.of(entity) <= watched { counts.watched += 1 }
        }
        #expect(abs(counts.pairs - 20_000) < 700)
        #expect(abs(counts.watched * 4 - counts.pairs) < 1_300)
    }

    @Test func `takes shares within each other`() {
        #expect(EntityDraw.largest(ofShare: 1) == .max)
        #expect(EntityDraw.largest(ofShare: 1.5) == .max)
        #expect(EntityDraw.largest(ofShare: 0.25) < EntityDraw.largest(ofShare: 0.26))
        #expect(EntityDraw.largest(ofShare: 0) == 0)
    }
}
