// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Metrics
import Store
import Testing

@testable import Engine

struct `Evidence in the store` {
    private func records(_ engine: Engine) throws -> UInt64 {
        // Commands are taken in order: behind this one all those before it are counted.
        try engine.run { _, _ in }
        return engine.writer.statistics.records
    }

    @Test func `is written when there is news of it, and its memory at its pace`() throws {
        try withShop { engine, worker in
            try engine.canary(100)
            var now = MonotonicTime.now().advanced(byNanoseconds: 1_000_000_000)
            var care = GuardCare()
            /// Records that a store after so many seconds writes.
            func written(after seconds: UInt64) throws -> UInt64 {
                now = now.advanced(byNanoseconds: seconds * 1_000_000_000)
                let before = try records(engine)
                care.store(engine.guards, of: engine, at: now)
                let after = try records(engine)
                return after - before - (try records(engine) - after)
            }
            func score(_ count: Int, _ name: String) throws {
                for turn in 0..<count { _ = try worker.score("\(name)-\(turn)") }
                worker.settle()
                engine.guards.turn(at: .now())
            }
            try score(20, "a")
            #expect(try written(after: 0) == 2)
            #expect(try written(after: 3) == 0)
            #expect(try written(after: 3) == 0)
            try score(20, "b")
            #expect(try written(after: 3) == 2)
            try score(20, "c")
            #expect(try written(after: 1) == 1)
            #expect(try written(after: 1) == 2)
            #expect(try written(after: 1) == 0)
            // Its age only.
            #expect(try written(after: GuardLimits.storeAgeMilliseconds / 1_000) == 1)
            _ = try engine.promote(full: true)
            #expect(try written(after: 1) == 2)
            for turn in 0..<5 {
                try score(400, "d\(turn)")
                #expect(try written(after: 3) == 1)
            }
            #expect(
                try written(after: GuardLimits.storeAftercareFiltersMilliseconds / 1_000) == 2)
        }
    }
}

struct `Requests that no guard has weighed` {
    private func dropped(_ engine: Engine) throws -> UInt64 {
        var snapshot = MetricSnapshot()
        engine.guards.collect(into: &snapshot)
        let family = try #require(
            snapshot.families.first { $0.name == "kassa_guard_events_dropped_total" })
        let sample = try #require(snapshot.samples(of: family).first)
        guard case .count(let count) = sample.value else { return 0 }
        return count
    }

    @Test func `stay counted when their rollout ends`() throws {
        try withShop { engine, worker in
            try engine.canary(50)
            for turn in 0..<50 { _ = try worker.score("s-\(turn)") }
            worker.settle()
            // What waits in the ring came under another weight.
            _ = try engine.setWeight(60)
            engine.guards.turn(at: .now())
            let stale = try dropped(engine)
            #expect(stale >= 50)
            try engine.abort()
            engine.guards.turn(at: .now())
            #expect(try dropped(engine) == stale)
        }
    }
}
