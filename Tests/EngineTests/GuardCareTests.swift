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
            try engine.canaryOfAll()
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
            try score(20, "b")
            #expect(try written(after: 3) == 2)
            try score(20, "c")
            #expect(try written(after: 1) == 0)
            #expect(try written(after: 1) == 2)
            #expect(try written(after: 1) == 0)
            // Its age only.
            #expect(try written(after: GuardLimits.storeAgeMilliseconds / 1_000) == 2)
            // Behind a promotion the times grow; where nothing happens nothing is written.
            _ = try engine.promote(full: true)
            #expect(try written(after: 1) == 2)
            var writes: [UInt64] = []
            for second in 1...64 {
                try score(1, "d\(second)")
                if try written(after: 1) == 2 { writes.append(UInt64(second)) }
            }
            #expect(writes == [2, 4, 8, 16, 32, 64])
            try score(1, "e")
            #expect(try written(after: 59) == 0)
            #expect(try written(after: 1) == 2)
            #expect(try written(after: 3_600) == 0)
            // Where it rests behind another rollout, what it has learnt is stored at once.
            try score(1, "f")
            let id = try #require(try engine.status.rollout).id
            try engine.canary(50, of: "stump@3")
            #expect(try written(after: 1) == 4)
            let kept = try #require(
                try Engine.storedEvidence(engine.environment, engine.tables)[id])
            #expect(kept.state.isAftercare)
            #expect(try written(after: 1) == 0)
        }
    }

    @Test(arguments: [false, true])
    func `is of one moment, so that after a kill nobody has spoken twice`(_ isAftercare: Bool)
        throws
    {
        let folder = TemporaryFolder()
        var left: [TemporaryFolder] = []
        var names: [String] = []
        try withShop(in: folder) { engine, worker in
            if isAftercare {
                try engine.canaryOfAll()
                _ = try engine.promote(full: true)
            } else {
                try engine.canary(50)
            }
            var now = MonotonicTime.now().advanced(byNanoseconds: 1_000_000_000)
            var care = GuardCare()
            for second in 0..<8 {
                for turn in 0..<10 {
                    names.append("s-\(second)-\(turn)")
                    _ = try worker.score(names.last!)
                }
                worker.settle()
                engine.guards.turn(at: .now())
                // A change of weight stores a record, and nothing that a restart counts from.
                if second == 4, !isAftercare { _ = try engine.setWeight(60) }
                now = now.advanced(byNanoseconds: 1_000_000_000)
                care.store(engine.guards, of: engine, at: now)
                try engine.run { _, _ in }
                left.append(try folder.leftBehind())
            }
        }
        var counted: Set<UInt64> = []
        for folder in left {
            try withShop(in: folder) { engine, worker in
                let before = try #require(try engine.status.guard).pairs
                counted.insert(before)
                for name in names { _ = try worker.score(name) }
                worker.settle()
                engine.guards.turn(at: .now())
                let after = try #require(try engine.status.guard).pairs
                #expect(after == UInt64(names.count), "\(before) were stored")
            }
        }
        #expect(counted.count >= 3)
    }
}

extension Engine {
    /// A canary at 100 %, every entity of which is watched after its promotion too.
    fileprivate func canaryOfAll() throws {
        _ = try canary(
            KassaV1.CanaryRequest(
                scorer: "abandonment", model: "stump@2", weightPercent: 100,
                guard: KassaV1.GuardPolicy(watchSharePercent: 100)), at: .now())
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
