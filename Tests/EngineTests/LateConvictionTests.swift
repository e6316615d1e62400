// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Files
import Glibc
import Rollout
import Store
import Synchronization
import Testing

@testable import Engine

/// Brakes that are pulled, or are not to be, while something else is under way.
struct `A brake` {
    private func brake(_ engine: Engine, _ scorer: String = "abandonment") throws -> Brake {
        try #require(engine.published.current.rollouts.scorers[scorer]).brake
    }

    private func verbs(_ engine: Engine) throws -> [String] {
        try engine.rolloutHistory(KassaV1.RolloutHistoryRequest(scorer: "abandonment"))
            .transitions.map(\.verb)
    }

    @Test func `is not pulled by a quarantine that is refused, now or by a restart`() throws {
        let folder = TemporaryFolder()
        try withShop(in: folder) { engine, worker in
            // The scorers before and behind the one that refuses.
            for (name, model) in [("a", "stump@1"), ("b", "stump@2"), ("c", "stump@1")] {
                try engine.apply([.scorer(KassaV1.ScorerSpec(name: name, model: model))])
                guard model == "stump@1" else { continue }
                _ = try engine.canary(
                    KassaV1.CanaryRequest(scorer: name, model: "stump@2", weightPercent: 50),
                    at: .now())
            }
            try engine.canary(100)
            let error = #expect(throws: EngineError.self) {
                try engine.quarantine(
                    KassaV1.QuarantineRequest(model: "stump@2", reason: "leaked"), at: .now())
            }
            #expect(error?.kind == .failedPrecondition)
            for name in ["a", "c", "abandonment"] { #expect(try brake(engine, name).flags == []) }
            #expect(try worker.score("s").slot == .canary)
            engine.noteBrakes()
            _ = try engine.setWeight(100)
        }
        try withShop(in: folder) { engine, worker in
            let answer = try worker.score("s")
            #expect(answer.slot == .canary)
            #expect(try engine.status.rollout?.phase == .phaseCanary)
        }
    }

    @Test(arguments: [FaultPoint.rolloutRecorded, .rolloutPublished])
    func `that is pulled while a promotion is recorded takes the promotion back`(
        _ moment: FaultPoint
    ) throws {
        try withShop { engine, worker in
            let told = Mutex<[GuardAlarm]>([])
            engine.onGuardAlarm { alarm in told.withLock { $0.append(alarm) } }
            try engine.canary(100)
            let pulled = try brake(engine)
            engine.environment.faults.arm(
                moment, .call { pulled.rollBack(for: nil, at: 1) }, times: 1)
            let status = try engine.promote(full: true)
            #expect(status.rollout?.phase == .phaseRolledBack)
            #expect(status.slots.map(\.model) == ["stump@1"])
            #expect(try worker.score("s").model == "stump@1")
            #expect(try verbs(engine) == ["undo", "promote", "canary"])
            let rollout = try #require(status.rollout)
            let explained = try engine.explainRollout(
                KassaV1.ExplainRolloutRequest(rolloutId: rollout.id))
            #expect(explained.agrees && explained.transitions.last?.actor == "kassa")
            #expect(told.withLock { $0.map(\.rollout) } == [rollout.id])
            // It is convicted: its bundle stays out, and the next rollout has a brake of its own.
            #expect(throws: EngineError.self) { try engine.canary(1) }
            try engine.canary(100, of: "stump@3")
            #expect(try worker.score("s").slot == .canary)
        }
    }

    @Test func `of a promotion that is pulled while a rollout begins takes both back`() throws {
        try withShop { engine, worker in
            try engine.canary(100)
            _ = try engine.promote(full: true)
            let promotion = try #require(try engine.status.rollout).id
            let pulled = try brake(engine)
            engine.environment.faults.arm(
                .rolloutRecorded, .call { pulled.rollBack(for: .nonFiniteScore, at: 1) }, times: 1)
            let status = try engine.canary(100, of: "stump@3")
            #expect(status.rollout?.id == promotion)
            #expect(status.rollout?.phase == .phaseRolledBack)
            #expect(status.slots.map(\.model) == ["stump@1"])
            #expect(try verbs(engine) == ["undo", "abort", "canary", "promote", "canary"])
            #expect(try worker.score("s").model == "stump@1")
            // The one that had begun did nothing wrong.
            try engine.canary(100, of: "stump@3")
            #expect(try worker.score("s").slot == .canary)
        }
    }

    /// What a kill leaves at `moment` of `body`, whose commit `pull` fell into.
    private func killed(
        at moment: FaultPoint, _ folder: TemporaryFolder, _ engine: Engine,
        _ pull: @escaping @Sendable () -> Void, _ body: () throws -> Void
    ) throws -> TemporaryFolder {
        let left = Mutex<TemporaryFolder?>(nil)
        let faults = engine.environment.faults
        let leave: @Sendable () -> Void = { left.withLock { $0 = try? folder.leftBehind() } }
        faults.arm(
            .rolloutRecorded,
            .call {
                pull()
                if moment == .rolloutRecorded { leave() }
            }, times: 1)
        if moment != .rolloutRecorded { faults.arm(moment, .call { leave() }, times: 1) }
        try body()
        return try #require(left.withLock { $0 })
    }

    @Test(arguments: [FaultPoint.rolloutRecorded, .rolloutPublished, .rolloutConvicted])
    func `that is pulled while a promotion is recorded is not forgotten by a kill`(
        _ moment: FaultPoint
    ) throws {
        let folder = TemporaryFolder()
        var left = folder
        try withShop(in: folder) { engine, _ in
            try engine.canary(100)
            let pulled = try brake(engine)
            left = try killed(
                at: moment, folder, engine,
                {
                    pulled.rollBack(for: nil, at: 1)
                    engine.noteBrakes()
                }, { _ = try engine.promote(full: true) })
        }
        try withShop(in: left) { engine, worker in
            let status = try engine.status
            #expect(status.rollout?.phase == .phaseRolledBack && !status.unrecorded)
            #expect(status.slots.map(\.model) == ["stump@1"])
            #expect(try worker.score("s").model == "stump@1")
            #expect(try verbs(engine) == ["undo", "promote", "canary"])
            let explained = try engine.explainRollout(
                KassaV1.ExplainRolloutRequest(rolloutId: try #require(status.rollout).id))
            #expect(explained.agrees && explained.chainIntact)
            #expect(!(try Files.names(in: left.path)).contains("retreats"))
            #expect(throws: EngineError.self) { try engine.canary(1) }
        }
    }

    @Test(arguments: [FaultPoint.rolloutRecorded, .rolloutPublished, .rolloutConvicted])
    func `of a promotion that is pulled while a rollout begins is not forgotten by a kill`(
        _ moment: FaultPoint
    ) throws {
        let folder = TemporaryFolder()
        var left = folder
        try withShop(in: folder) { engine, _ in
            try engine.canary(100)
            _ = try engine.promote(full: true)
            let pulled = try brake(engine)
            left = try killed(
                at: moment, folder, engine,
                {
                    pulled.rollBack(for: .nonFiniteScore, at: 1)
                    engine.noteBrakes()
                }, { try engine.canary(100, of: "stump@3") })
        }
        try withShop(in: left) { engine, worker in
            #expect(try engine.status.rollout?.phase == .phaseRolledBack)
            #expect(try verbs(engine) == ["undo", "abort", "canary", "promote", "canary"])
            #expect(try worker.score("s").model == "stump@1")
            #expect(throws: EngineError.self) { try engine.canary(1) }
            // The one that had begun did nothing wrong.
            try engine.canary(100, of: "stump@3")
            #expect(try worker.score("s").slot == .canary)
        }
    }

    @Test func `that is pulled while a weight is recorded is not forgotten by a kill`() throws {
        let folder = TemporaryFolder()
        var left = folder
        try withShop(in: folder) { engine, _ in
            try engine.canary(50)
            let pulled = try brake(engine)
            left = try killed(
                at: .rolloutRecorded, folder, engine,
                {
                    pulled.rollBack(for: nil, at: 1)
                    engine.noteBrakes()
                }, { _ = try engine.setWeight(100) })
        }
        try withShop(in: left) { engine, _ in
            let status = try engine.status
            #expect(status.rollout?.phase == .phaseRolledBack)
            #expect(try verbs(engine) == ["roll-back", "set-weight", "canary"])
        }
    }

    @Test func `that a loop pulls which has not heard of the next rollout takes both back`() throws
    {
        let folder = TemporaryFolder()
        var left = folder
        try withShop(in: folder) { engine, worker in
            try engine.canary(100)
            _ = try engine.promote(full: true)
            let pulled = try brake(engine)
            try engine.canary(100, of: "stump@3")
            #expect(engine.convictedPromotions == [])
            pulled.rollBack(for: .nonFiniteScore, at: 1)
            #expect(engine.convictedPromotions == ["abandonment"])
            // What gives the one behind it more waits.
            #expect(throws: EngineError.self) { try engine.promote(full: true) }
            engine.noteBrakes()
            left = try folder.leftBehind()
            engine.takeBack(promotionOf: "abandonment", at: .now())
            #expect(try verbs(engine) == ["undo", "abort", "canary", "promote", "canary"])
            #expect(try worker.score("s").model == "stump@1")
            #expect(engine.convictedPromotions == [])
        }
        try withShop(in: left) { engine, worker in
            let answer = try worker.score("s")
            #expect(answer.model == "stump@1")
            #expect(try verbs(engine) == ["undo", "abort", "canary", "promote", "canary"])
        }
    }

    @Test func `that was pulled for an undo that is refused holds nothing behind the next rollout`()
        throws
    {
        try withShop { engine, worker in
            try engine.canary(100)
            _ = try engine.promote(full: true)
            let retreat = try #require(
                engine.anticipate(KassaV1.UndoRequest(scorer: "abandonment")))
            let pulled = retreat.brake
            retreat.cancel()
            engine.environment.faults.arm(
                .rolloutRecorded, .call { pulled.pull(.undo) }, times: 1)
            try engine.canary(100, of: "stump@3")
            #expect(throws: EngineError.self) { try engine.undo() }
            retreat.cancel()
            try engine.abort()
            #expect(try worker.score("s").model == "stump@2")
            try engine.canary(100, of: "stump@3")
        }
    }

    @Test func `that is pulled while a rollout goes on stays pulled`() throws {
        try withShop { engine, worker in
            try engine.canary(50)
            let pulled = try brake(engine)
            engine.environment.faults.arm(
                .rolloutRecorded, .call { pulled.rollBack(for: nil, at: 1) }, times: 1)
            #expect(try engine.setWeight(100).rollout?.phase == .phaseCanary)
            #expect(try brake(engine) === pulled && pulled.flags == .rollBack)
            #expect(try worker.score("s").slot == .stable)
        }
    }

    @Test func `wakes once who notes it, also while that of another scorer is carried out`() throws
    {
        try withShop { engine, _ in
            try engine.apply([.scorer(KassaV1.ScorerSpec(name: "other", model: "stump@1"))])
            for name in ["abandonment", "other"] {
                _ = try engine.canary(
                    KassaV1.CanaryRequest(scorer: name, model: "stump@2", weightPercent: 50),
                    at: .now())
            }
            let wakes = Atomic(0)
            engine.guards.onAlert { wakes.add(1, ordering: .relaxed) }
            var counts: [Int] = []
            for name in ["abandonment", "other"] {
                try brake(engine, name).rollBack(for: .nonFiniteScore, at: 1)
                for _ in 0..<2 {
                    engine.guards.turn(at: .now())
                    // The keeper has looked, and nothing is carried out yet.
                    _ = engine.guards.orders(at: .now())
                    counts.append(wakes.load(ordering: .relaxed))
                }
            }
            #expect(counts == [1, 1, 2, 2])
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `may be pulled by the keeper's own thread while that is stopped`() throws {
        try withShop { engine, _ in
            try engine.canary(100)
            engine.environment.faults.arm(.commit, .fail(errno: EROFS), times: 1)
            #expect(try engine.abort().unrecorded)
            let isThere = Atomic(false)
            engine.startRollouts { [unowned engine] _ in
                // On the keeper's thread, as drift's undo is.
                isThere.store(true, ordering: .releasing)
                usleep(200_000)
                engine.wakeKeeper()
                return false
            }
            while !isThere.load(ordering: .acquiring) { usleep(1_000) }
            engine.stopRollouts()
        }
    }

    @Test func `whose note no disk takes is noted again, and that is to be seen`() throws {
        let folder = TemporaryFolder()
        try withShop(in: folder) { engine, _ in
            try engine.canary(100)
            let path = "\(folder.path)/retreats"
            try Files.remove("\(path).spare")
            // Folders in the places of both files: nothing can be written there.
            for name in [path, "\(path).spare"] { try Files.makeFolder(name) }
            try brake(engine).pull(.rollBack)
            engine.noteBrakes()
            let isMissing = engine.isNoteMissing.load(ordering: .relaxed)
            #expect(isMissing)
            for name in [path, "\(path).spare"] { #expect(unsafe rmdir(name) == 0) }
            engine.noteBrakes()
            let isStillMissing = engine.isNoteMissing.load(ordering: .relaxed)
            #expect(!isStillMissing)
            #expect(try Files.names(in: folder.path).contains("retreats"))
        }
    }
}
