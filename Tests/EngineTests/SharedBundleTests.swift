// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Glibc
import Rollout
import Store
import Synchronization
import Testing

@testable import Engine

/// One bundle in the slots of several scorers: what takes it out of one takes it out of all.
struct `A bundle that scorers share` {
    /// stump@2 is what `abandonment` tries, the canary of `canary`, the shadow of `shadow`, what `previous`
    /// had before stump@3, and what `stable` has.
    private func share(_ engine: Engine) throws {
        for name in ["canary", "shadow", "previous", "stable"] {
            let model = ["canary", "shadow"].contains(name) ? "stump@1" : "stump@2"
            try engine.apply([.scorer(KassaV1.ScorerSpec(name: name, model: model))])
        }
        _ = try engine.canary(
            KassaV1.CanaryRequest(scorer: "canary", model: "stump@2", weightPercent: 100),
            at: .now())
        _ = try engine.shadow(
            KassaV1.ShadowRequest(scorer: "shadow", model: "stump@2"), at: .now())
        _ = try engine.shadow(
            KassaV1.ShadowRequest(scorer: "previous", model: "stump@3"), at: .now())
        _ = try engine.promote(
            KassaV1.PromoteRequest(scorer: "previous", full: true), at: .now())
    }

    private func status(_ engine: Engine, _ scorer: String) throws -> KassaV1.RolloutStatus {
        try engine.rolloutStatus(KassaV1.RolloutStatusRequest(scorer: scorer))
    }

    private func answer(_ worker: inout Worker, _ scorer: String) throws -> String {
        try worker.score(
            KassaV1.ScoreRequest(
                scorer: scorer, entities: [KassaV1.EntityKey(kind: "session", id: "s")])
        ).model
    }

    /// It is nowhere but where nothing else would answer.
    private func checkGone(_ engine: Engine, _ worker: inout Worker) throws {
        for name in ["abandonment", "canary", "shadow"] {
            let status = try status(engine, name)
            #expect(status.slots.map(\.model) == ["stump@1"])
            #expect(status.rollout?.phase == .phaseRolledBack)
            #expect(try answer(&worker, name) == "stump@1")
        }
        #expect(try status(engine, "previous").slots.map(\.model) == ["stump@3"])
        #expect(try status(engine, "stable").slots.map(\.model) == ["stump@2"])
        for name in ["abandonment", "canary", "shadow"] {
            let error = #expect(throws: EngineError.self) {
                try engine.shadow(
                    KassaV1.ShadowRequest(scorer: name, model: "stump@2"), at: .now())
            }
            #expect(error?.reason.contains("quarantine") == true)
        }
        #expect(throws: EngineError.self) {
            try engine.undo(KassaV1.UndoRequest(scorer: "previous"), at: .now())
        }
        #expect(try engine.audit(KassaV1.AuditRequest(verify: true)).brokenAt == 0)
    }

    /// What takes stump@2 out of `abandonment`.
    enum Way: CaseIterable {
        case undo, guardOfCanary, guardOfPromotion
    }

    private func takeOut(_ engine: Engine, _ way: Way) throws {
        let status = try engine.canary(50)
        if way != .guardOfCanary { _ = try engine.promote(full: true) }
        if way == .undo {
            _ = try engine.undo()
        } else {
            engine.carryOut(
                GuardOrder(
                    rollout: try #require(status.rollout).id,
                    mode: way == .guardOfCanary ? .split : .aftercare, scorer: "abandonment",
                    verb: .rollBack, reason: "worse", model: "stump@2", logEvidence: 7,
                    isViolation: false, isDeadline: false))
        }
    }

    @Test(arguments: Way.allCases)
    func `leaves all slots with the first one's, on one record, and everybody is told`(
        _ way: Way
    ) throws {
        let folder = TemporaryFolder()
        try withShop(in: folder) { engine, worker in
            try share(engine)
            let told = Mutex<[GuardAlarm]>([])
            engine.onGuardAlarm { alarm in told.withLock { $0.append(alarm) } }
            let brake = try #require(engine.published.current.rollouts.scorers["canary"]).brake
            try takeOut(engine, way)
            #expect(brake.flags == .rollBack)
            try checkGone(engine, &worker)
            let alarms = told.withLock { $0 }
            let others = alarms.filter { $0.scorer != "abandonment" }
            #expect(others.map(\.scorer) == ["canary", "shadow", "stable"])
            #expect(others.map(\.kind) == [.rolledBack, .rolledBack, .quarantinedStable])
            #expect(others.allSatisfy { $0.reason.contains("scorer abandonment") })
            // One record for all, and each scorer's history has its part.
            let record = try #require(engine.audit(KassaV1.AuditRequest(limit: 1)).entries.first)
            #expect(record.details.contains { $0.contains("scorer stable: STABLE stump@2") })
            for name in ["canary", "shadow", "previous"] {
                let last = try #require(
                    try engine.rolloutHistory(KassaV1.RolloutHistoryRequest(scorer: name))
                        .transitions.first)
                #expect(last.verb == "quarantine" && last.epoch == record.epoch)
                #expect(last.reason.hasPrefix("its bundle went into quarantine by scorer aband"))
                let explained = try engine.explainRollout(
                    KassaV1.ExplainRolloutRequest(rolloutId: last.rolloutId))
                #expect(explained.agrees)
            }
        }
        try withShop(in: folder) { engine, worker in try checkGone(engine, &worker) }
    }

    @Test(arguments: Way.allCases)
    func `leaves all slots with a disk that takes no record, and stays out behind a restart`(
        _ way: Way
    ) throws {
        let folder = TemporaryFolder()
        try withShop(in: folder) { engine, worker in
            try share(engine)
            // Of the last change only.
            engine.environment.faults.arm(
                .rolloutNoted,
                .call { [unowned engine] in
                    engine.environment.faults.arm(.commit, .fail(errno: EIO), times: 9)
                },
                times: 1)
            try takeOut(engine, way)
            #expect(try status(engine, "canary").unrecorded)
            try checkGoneUnrecorded(engine, &worker)
        }
        try withShop(in: folder) { engine, worker in
            try checkGone(engine, &worker)
            #expect(try !status(engine, "canary").unrecorded)
        }
    }

    private func checkGoneUnrecorded(_ engine: Engine, _ worker: inout Worker) throws {
        for name in ["abandonment", "canary", "shadow"] {
            #expect(try answer(&worker, name) == "stump@1")
        }
    }

    @Test func `is carried out everywhere by a restart, if only the brake of one was noted`() throws
    {
        let folder = TemporaryFolder()
        try withShop(in: folder) { engine, worker in
            try share(engine)
            try engine.canary(50)
            let entry = try #require(engine.published.current.rollouts.scorers["abandonment"])
            entry.brake.pull(.rollBack)
            engine.noteBrakes()
        }
        try withShop(in: folder) { engine, worker in try checkGone(engine, &worker) }
    }

    @Test func `ends every rollout of it when somebody names it, and each is told`() throws {
        try withShop { engine, worker in
            for name in ["canary", "other"] {
                try engine.apply([.scorer(KassaV1.ScorerSpec(name: name, model: "stump@1"))])
                _ = try engine.canary(
                    KassaV1.CanaryRequest(scorer: name, model: "stump@2", weightPercent: 50),
                    at: .now())
            }
            let told = Mutex<[GuardAlarm]>([])
            engine.onGuardAlarm { alarm in told.withLock { $0.append(alarm) } }
            let response = try engine.quarantine(
                KassaV1.QuarantineRequest(model: "stump@2", reason: "leaked"), at: .now())
            #expect(response.rolledBack == ["canary", "other"])
            #expect(told.withLock { $0.map(\.scorer) } == ["canary", "other"])
            #expect(told.withLock { $0.allSatisfy { $0.reason.hasSuffix("leaked") } })
        }
    }

    @Test func `goes from STABLE to nothing that could be undone to`() throws {
        try withShop { engine, worker in
            try share(engine)
            try takeOut(engine, .undo)
            _ = try engine.shadow(
                KassaV1.ShadowRequest(scorer: "stable", model: "stump@3"), at: .now())
            let status = try engine.promote(
                KassaV1.PromoteRequest(scorer: "stable", full: true), at: .now()
            ).status
            #expect(status?.slots.map(\.model) == ["stump@3"])
            #expect(throws: EngineError.self) {
                try engine.undo(KassaV1.UndoRequest(scorer: "stable"), at: .now())
            }
        }
    }

    @Test func `keeps a brake that was pulled for another rollout`() throws {
        try withShop { engine, worker in
            try share(engine)
            // Behind the promotion of `previous` another canary begins, whose guard decides.
            _ = try engine.canary(
                KassaV1.CanaryRequest(scorer: "previous", model: "stump@1", weightPercent: 100),
                at: .now())
            let brake = try #require(engine.published.current.rollouts.scorers["previous"]).brake
            brake.pull(.rollBack)
            try takeOut(engine, .undo)
            #expect(try status(engine, "previous").slots.map(\.model) == ["stump@3", "stump@1"])
            #expect(try answer(&worker, "previous") == "stump@3")
        }
    }
}
