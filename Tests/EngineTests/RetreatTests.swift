// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Files
import Glibc
import Rollout
import Store
import Testing
import Wire

@testable import Engine

struct `A retreat` {
    @Test func `takes effect when the disk takes no writes, and is on record after a restart`()
        throws
    {
        let folder = TemporaryFolder()
        var before = KassaV1.RolloutStatus()
        try withShop(in: folder) { engine, worker in
            try engine.canary(100)
            #expect(try worker.score("s").slot == .canary)
            engine.environment.faults.arm(.commit, .fail(errno: EIO), times: 1)
            before = try engine.abort()
            #expect(before.unrecorded && before.rollout?.phase == .phaseAborted)
            #expect(try worker.score("s").slot == .stable)
            // What gives a candidate traffic waits for the record, and the store is latched.
            #expect(throws: EngineError.self) { try engine.canary(1) }
            #expect(throws: EngineError.self) { try engine.recordPending() }
            #expect(try worker.score("s").slot == .stable)
        }
        try withShop(in: folder) { engine, worker in
            before.unrecorded = false
            #expect(try engine.status == before)
            #expect(try worker.score("s").slot == .stable)
            let history = try engine.rolloutHistory(
                KassaV1.RolloutHistoryRequest(scorer: "abandonment"))
            #expect(history.transitions.map(\.verb) == ["abort", "canary"])
            #expect(try engine.audit(KassaV1.AuditRequest(verify: true)).brokenAt == 0)
            #expect(!(try Files.names(in: folder.path)).contains("retreats"))
        }
    }

    @Test func `is recorded as soon as the disk takes writes again`() throws {
        try withShop { engine, worker in
            try engine.canary(100)
            engine.environment.faults.arm(.commit, .fail(errno: EROFS), times: 3)
            #expect(try engine.abort().unrecorded)
            #expect(throws: EngineError.self) { try engine.recordPending() }
            #expect(throws: EngineError.self) { try engine.canary(1) }
            #expect(try worker.score("s").slot == .stable)
            try engine.recordPending()
            #expect(try !engine.status.unrecorded)
            #expect(try engine.canary(1).revision == 3)
            let history = try engine.rolloutHistory(
                KassaV1.RolloutHistoryRequest(scorer: "abandonment"))
            #expect(history.transitions.map(\.verb) == ["canary", "abort", "canary"])
        }
    }

    @Test func `undo works with a disk that takes no writes, and the bundle stays out`() throws {
        let folder = TemporaryFolder()
        try withShop(in: folder) { engine, worker in
            try engine.canary(5)
            _ = try engine.promote(full: true)
            engine.environment.faults.arm(.commit, .fail(errno: EIO), times: 1)
            let status = try engine.undo()
            #expect(status.unrecorded && status.slots.map(\.model) == ["stump@1"])
            #expect(try worker.score("s").model == "stump@1")
        }
        try withShop(in: folder) { engine, worker in
            #expect(try worker.score("s").model == "stump@1")
            let explained = try engine.explainRollout(
                KassaV1.ExplainRolloutRequest(rolloutId: try engine.status.rollout!.id))
            #expect(explained.agrees && explained.chainIntact)
            #expect(throws: EngineError.self) { try engine.canary(1) }
        }
    }

    @Test func `that a process only began is ended by the next one`() throws {
        let folder = TemporaryFolder()
        for (turn, flags) in [Brake.Flags.abort, .rollBack, .undo].enumerated() {
            try withShop(in: folder) { engine, worker in
                try engine.canary(100, of: turn == 2 ? "stump@3" : "stump@2")
                if flags == .undo { _ = try engine.promote(full: true) }
                engine.published.current.rollouts.scorers["abandonment"]!.brake.pull(flags)
                engine.noteBrakes()
                #expect(try Files.names(in: folder.path).contains("retreats"))
            }
            try withShop(in: folder) { engine, worker in
                let phase: KassaV1.RolloutPhase =
                    flags == .abort ? .phaseAborted : .phaseRolledBack
                #expect(try engine.status.rollout?.phase == phase)
                #expect(try !engine.status.unrecorded)
                #expect(try worker.score("s").model == "stump@1")
                let explained = try engine.explainRollout(
                    KassaV1.ExplainRolloutRequest(rolloutId: try engine.status.rollout!.id))
                #expect(explained.agrees && explained.chainIntact)
                #expect(explained.transitions.last?.actor == "kassa")
                #expect(!(try Files.names(in: folder.path)).contains("retreats"))
            }
        }
    }

    @Test func `that was refused after all is noted no more`() throws {
        let folder = TemporaryFolder()
        try withShop(in: folder) { engine, _ in
            try engine.canary(100)
            let retreat = engine.anticipate(KassaV1.AbortRequest(scorer: "abandonment"))
            engine.noteBrakes()
            retreat?.cancel()
            engine.noteBrakes()
        }
        try withShop(in: folder) { engine, worker in
            let answer = try worker.score("s")
            #expect(answer.slot == .canary)
        }
    }

    @Test func `is recorded before another change, so that epochs are in order`() throws {
        let folder = TemporaryFolder()
        try withShop(in: folder) { engine, _ in
            try engine.canary(100)
            engine.environment.faults.arm(.commit, .fail(errno: EROFS), times: 2)
            #expect(try engine.abort().unrecorded)
            #expect(throws: EngineError.self) {
                try engine.apply([.scorer(KassaV1.ScorerSpec(name: "other", model: "stump@3"))])
            }
            try engine.apply([.scorer(KassaV1.ScorerSpec(name: "other", model: "stump@3"))])
            let entries = try engine.audit(KassaV1.AuditRequest(verify: true)).entries
            #expect(entries.map(\.action).starts(with: ["apply", "rollout abort"]))
            #expect(entries.map(\.epoch) == entries.map(\.epoch).sorted(by: >))
        }
    }

    @Test func `takes the traffic away before the control thread comes to it`() throws {
        try withShop { engine, worker in
            try engine.canary(100)
            let epoch = engine.epoch
            let retreat = engine.anticipate(KassaV1.AbortRequest(scorer: "abandonment"))
            #expect(retreat != nil)
            let answer = try worker.score("s")
            #expect(answer.slot == .stable && answer.epoch == epoch)
            // Refused after all, it gives the traffic back.
            retreat?.cancel()
            #expect(try worker.score("s").slot == .canary)
            #expect(
                engine.anticipate(
                    KassaV1.AbortRequest(scorer: "abandonment", expectedRevision: 9)) == nil)
            #expect(try worker.score("s").slot == .canary)
            _ = try engine.promote(full: true)
            #expect(engine.anticipate(KassaV1.UndoRequest(scorer: "abandonment")) != nil)
            let undone = try worker.score("s")
            #expect(undone.slot == .previous && undone.model == "stump@1")
            try engine.undo()
            #expect(try worker.score("s").slot == .stable)
        }
    }

    @Test func `holds over other changes, and no verb goes on with its rollout`() throws {
        try withShop { engine, worker in
            try engine.canary(100)
            let retreat = engine.anticipate(KassaV1.AbortRequest(scorer: "abandonment"))
            #expect(retreat != nil)
            try engine.apply([.scorer(KassaV1.ScorerSpec(name: "other", model: "stump@3"))])
            #expect(try worker.score("s").slot == .stable)
            #expect(throws: EngineError.self) { try engine.promote(full: true) }
            try engine.abort()
            try engine.canary(100)
            #expect(try worker.score("s").slot == .canary)
        }
    }
}

struct `PREVIOUS` {
    @Test func `is released a day after the promotion, by a clock that nobody sets`() throws {
        try withShop { engine, _ in
            try engine.canary(5)
            _ = try engine.promote(full: true)
            var releases = PreviousReleases()
            let day: UInt64 = 86_400_000_000_000
            let start = MonotonicTime.now()
            let wall = Timestamp.now().microseconds
            let configuration = engine.published.current
            #expect(releases.due(in: configuration, now: start, wall: wall) == [])
            // The wall clock steps a year; only a day by the other one counts.
            let stepped = wall + 365 * 86_400_000_000
            let early = start.advanced(byNanoseconds: day - 2_000_000_000)
            #expect(releases.due(in: configuration, now: early, wall: stepped) == [])
            let late = start.advanced(byNanoseconds: day)
            #expect(releases.due(in: configuration, now: late, wall: -stepped) == ["abandonment"])
            engine.releasePrevious(of: "abandonment")
            let status = try engine.status
            #expect(status.slots.map(\.slot) == [.stable] && status.previousUntilUs == 0)
            #expect(throws: EngineError.self) { try engine.undo() }
        }
    }
}

extension `PREVIOUS` {
    @Test func `is not released by a wall clock that steps while the promotion is made`() throws {
        try withShop { engine, _ in
            try engine.canary(5)
            _ = try engine.promote(full: true)
            var releases = PreviousReleases()
            let configuration = engine.published.current
            // The first look comes when the clock shows a year later.
            let stepped = Timestamp.now().microseconds + 365 * 86_400_000_000
            let now = MonotonicTime.now()
            #expect(releases.due(in: configuration, now: now, wall: stepped) == [])
            let day: UInt64 = 86_400_000_000_000
            let early = now.advanced(byNanoseconds: day - 60_000_000_000)
            #expect(releases.due(in: configuration, now: early, wall: stepped) == [])
            let late = now.advanced(byNanoseconds: day)
            #expect(releases.due(in: configuration, now: late, wall: stepped) == ["abandonment"])
        }
    }
}

struct `A record that disagrees with what is there` {
    private let stable = Bundle(model: "m@1", digest: [1])
    private let candidate = Bundle(model: "m@2", digest: [2])

    private func slots(_ stored: Bundle) throws -> ScorerSlots {
        let draw = RolloutDraw(id: 1, salt: "s/1")
        return try ScorerSlots(stable: stored)
            .applying(.canary(candidate, Weight(percent: 50)!, steps: []), as: draw).slots
    }

    @Test func `of STABLE takes the candidate's weight and pauses it`() throws {
        let found = try slots(Bundle(model: "m@0", digest: [0]))
            .reconciled(stable: stable) { _ in true }
        #expect(found.stable == stable && found.rollout?.phase == .paused)
        #expect(found.rollout?.weight == Weight.none)
    }

    @Test func `of the candidate ends the rollout`() throws {
        let found = try slots(stable).reconciled(stable: stable) { $0 != candidate }
        #expect(found.rollout?.phase == .aborted && found.canary == nil)
        #expect(found.rollout?.weight == Weight.none)
    }

    @Test func `one that agrees stays as it is`() throws {
        let stored = try slots(stable)
        #expect(stored.reconciled(stable: stable) { _ in true } == stored)
    }
}
