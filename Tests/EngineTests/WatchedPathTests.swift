// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Glibc
import Rollout
import Testing

@testable import Engine

/// The request path under an open rollout, by an engine and one of its loops.
struct `A watched scorer` {
    /// Scores so many sessions in turns of 200, as a busy loop takes them.
    private static func score(
        _ count: Int, _ engine: Engine, _ worker: inout Worker
    ) throws -> [KassaV1.Slot: Int] {
        var slots: [KassaV1.Slot: Int] = [:]
        for start in stride(from: 0, to: count, by: 200) {
            for session in start..<start + 200 {
                slots[try worker.score("s-\(session)").slot, default: 0] += 1
            }
            worker.settle()
            engine.guards.turn(at: .now())
        }
        return slots
    }

    @Test func `tells of requests in the order in which they came`() throws {
        try withShop { engine, worker in
            try engine.canary(50)
            // In runs of a hundred of each arm the split would soon look broken.
            _ = try Self.score(20_000, engine, &worker)
            let status = try engine.status
            #expect(status.guard?.verdict == "WITHIN")
            #expect(status.guard?.pairs ?? 0 > 300)
        }
    }

    @Test func `scores the vector of the request itself by the other model, however many wait`()
        throws
    {
        try withShop { engine, worker in
            // Of six sessions one is between the thresholds of the two models.
            let count = 600
            for session in 0..<count {
                try worker.write(items: session % 6 == 0 ? 4 : 10, session: "s-\(session)")
            }
            _ = try engine.canary(
                KassaV1.CanaryRequest(
                    scorer: "abandonment", model: "stump@2", weightPercent: 50,
                    guard: KassaV1.GuardPolicy(flipRateMax: 0.5)), at: .now())
            // More in one turn than the queue holds.
            #expect(count > 2 * GuardLimits.waitingPairsMax)
            for session in 0..<count { _ = try worker.score("s-\(session)") }
            worker.settle()
            engine.guards.turn(at: .now())
            let status = try engine.status
            #expect(status.guard?.pairs == UInt64(count))
            #expect(status.guard?.differingPairs == UInt64(count / 6))
        }
    }

    @Test func `leaves out a slow model's pairs first, and no request of a split`() throws {
        try withShop { engine, worker in
            worker.loopWatch.timeShareMax = WatchBudget.timeShareMax
            var now = MonotonicTime(nanoseconds: 1_000_000_000)
            func periods(_ count: Int, _ body: (inout LoopWatch) -> Void) {
                for _ in 0..<count {
                    body(&worker.loopWatch)
                    now = now.advanced(byNanoseconds: WatchBudget.periodNanoseconds)
                    worker.loopWatch.settle(at: now)
                }
            }
            let metrics = engine.guards.metrics
            // Half of the loop's time goes into the other model.
            periods(20) { $0.spend(nanoseconds: WatchBudget.periodNanoseconds / 2) }
            #expect(metrics.watchedRatio(in: .split) == 1)
            #expect(worker.loopWatch.watches(.max, in: .split))
            #expect(!worker.loopWatch.scoresTwice(.max / 2))
            for mode in [WatchMode.shadow, .whole, .aftercare] {
                #expect(abs(metrics.watchedRatio(in: mode) - WatchBudget.ratioMin) < 1e-5)
                #expect(!worker.loopWatch.watches(.max / 2, in: mode))
                #expect(worker.loopWatch.watches(.max / 128, in: mode))
            }
            // Events have a part of the time for themselves, and no more.
            let event = GuardEvent(rollout: 1, entity: 1, weight: 500_000, mode: .split)
            periods(20) { loop in for _ in 0..<20_000 { loop.tell(event) } }
            #expect(metrics.watchedRatio(in: .split) < 0.1)
        }
    }

    @Test func `watches a share of both arms once it has spent its time, and answers all`() throws {
        try withShop { engine, worker in
            worker.loopWatch.timeShareMax = WatchBudget.timeShareMax
            try engine.canary(50)
            var slots: [KassaV1.Slot: Int] = [:]
            // Time enough for some periods of the budget, which a loop without a pause spends.
            let end = MonotonicTime.now().advanced(byNanoseconds: 400_000_000)
            repeat {
                slots.merge(try Self.score(2_000, engine, &worker), uniquingKeysWith: +)
            } while MonotonicTime.now() < end
            let status = try engine.status
            let ratio = try #require(status.guard?.watchedRatio)
            #expect(ratio < 1 && ratio >= WatchBudget.ratioMin - 1e-6)
            let answered = slots.values.reduce(0, +)
            #expect(slots.count == 2)
            #expect(engine.guards.rings[0].count == 0)
            let counts = try #require(status.guard?.counts.first)
            #expect(counts.stable > 300 && counts.candidate > 300)
            #expect(counts.stable + counts.candidate <= UInt64(answered))
            // With nothing open, nothing is left out.
            try engine.abort()
            worker.begin()
            #expect(engine.guards.metrics.watchedRatio(in: .split) == 1)
        }
    }
}
