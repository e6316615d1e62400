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

/// An engine with the scorer `abandonment` over stump@1 (threshold 3), and stump@2 (threshold 5): a
/// session of 4 items has margin -0.25 by the first and 0.25 by the second.
func withShop(
    in folder: TemporaryFolder = TemporaryFolder(),
    _ body: (Engine, inout Worker) throws -> Void
) throws {
    try folder.withEngine { engine, worker in
        worker.loopWatch.timeShareMax = 1
        if engine.epoch == 0 {
            try engine.apply([cart])
            try engine.uploadStump()
            try engine.uploadStump(threshold: 5)
            try engine.uploadStump(threshold: 6)
            try engine.apply([scorer("stump@1")])
        }
        try body(engine, &worker)
    }
}

extension Engine {
    @discardableResult
    func canary(
        _ weight: Double, of model: String = "stump@2", steps: [Double] = [],
        expecting: UInt64? = nil
    ) throws -> KassaV1.RolloutStatus {
        try canary(
            KassaV1.CanaryRequest(
                scorer: "abandonment", model: model, weightPercent: weight, stepPercents: steps,
                expectedRevision: expecting, actor: "ada", reason: "a test"),
            at: .now()
        ).status!
    }

    func setWeight(_ weight: Double) throws -> KassaV1.RolloutStatus {
        try setWeight(
            KassaV1.SetWeightRequest(scorer: "abandonment", weightPercent: weight), at: .now()
        ).status!
    }

    @discardableResult
    func abort() throws -> KassaV1.RolloutStatus {
        try abort(KassaV1.AbortRequest(scorer: "abandonment", reason: "enough"), at: .now())
            .status!
    }

    @discardableResult
    func undo() throws -> KassaV1.RolloutStatus {
        try undo(KassaV1.UndoRequest(scorer: "abandonment", reason: "worse"), at: .now()).status!
    }

    func promote(full: Bool = false) throws -> KassaV1.RolloutStatus {
        try promote(KassaV1.PromoteRequest(scorer: "abandonment", full: full), at: .now()).status!
    }

    var status: KassaV1.RolloutStatus {
        get throws {
            var status = try rolloutStatus(KassaV1.RolloutStatusRequest(scorer: "abandonment"))
            // The only part of it that no one changes: time passes.
            status.guard?.ageMs = 0
            status.guard?.stepAgeMs = 0
            status.guard?.deadlineAgeMs = 0
            return status
        }
    }
}

extension Worker {
    /// Which slots answer these sessions, by session.
    mutating func slots(_ count: Int = 200, key: (Int) -> String = { "s-\($0)" }) throws
        -> [KassaV1.Slot]
    {
        var slots: [KassaV1.Slot] = []
        for session in 0..<count { slots.append(try score(key(session)).slot) }
        return slots
    }
}

struct `Rollouts` {
    @Test func `a canary answers its share of sessions, the same ones each time`() throws {
        try withShop { engine, worker in
            let status = try engine.canary(25)
            #expect(status.slots.map(\.slot) == [.stable, .canary])
            let first = try worker.slots()
            #expect((25...75).contains(first.count { $0 == .canary }))
            #expect(try worker.slots() == first)
            let salt = try #require(status.rollout?.salt)
            let hash = EntityHash(salt: salt)
            for (session, slot) in first.enumerated() {
                let key = "s-\(session)"
                let bytes = key.utf8Span.span
                let isIn = Weight(percent: 25)!.includes(hash(bytes))
                #expect(slot == (isIn ? .canary : .stable))
            }
        }
    }

    @Test func `the reply names slot, model, bundle and epoch of what answered`() throws {
        try withShop { engine, worker in
            try worker.write(items: 4, session: "s")
            let stable = try worker.score("s")
            #expect(stable.slot == .stable && stable.model == "stump@1" && stable.margin == -0.25)
            let status = try engine.canary(100)
            let canary = try worker.score("s")
            #expect(canary.slot == .canary && canary.model == "stump@2" && canary.margin == 0.25)
            #expect(canary.bundleSha256 == status.slots[1].bundleSha256)
            #expect(canary.bundleSha256 != stable.bundleSha256)
            #expect(canary.epoch == status.epoch && canary.epoch == stable.epoch + 1)
        }
    }

    @Test func `raising the weight keeps everybody who is in`() throws {
        try withShop { engine, worker in
            try engine.canary(1, steps: [5, 25, 100])
            var before = try worker.slots()
            for percent in [5.0, 25, 100] {
                let status = try engine.promote()
                #expect(status.rollout?.weightPercent == percent)
                let now = try worker.slots()
                #expect(!zip(before, now).contains { $0 == .canary && $1 != .canary })
                before = now
            }
            #expect(before.allSatisfy { $0 == .canary })
            let status = try engine.promote()
            #expect(status.rollout?.phase == .phasePromoted)
            #expect(status.slots.map(\.model) == ["stump@2", "stump@1"])
            #expect(try worker.slots(20).allSatisfy { $0 == .stable })
        }
    }

    @Test func `the routing key of a request goes before its entity`() throws {
        try withShop { engine, worker in
            try engine.canary(50)
            func slot(_ session: String, _ key: String) throws -> KassaV1.Slot {
                try worker.score(
                    KassaV1.ScoreRequest(
                        scorer: "abandonment",
                        entities: [KassaV1.EntityKey(kind: "session", id: session)],
                        routingKey: key)
                ).slot
            }
            let bySession = try worker.slots()
            for number in 0..<200 {
                #expect(try slot("other", "s-\(number)") == bySession[number])
            }
            let longest = String(repeating: "k", count: 256)
            _ = try slot("s", longest)
            let error = #expect(throws: EngineError.self) { try slot("s", longest + "k") }
            #expect(error?.kind == .invalidArgument)
            #expect(error?.reason.contains("routing_key") == true)
        }
    }

    @Test func `who has nothing to stick to is answered by STABLE, until the canary has all`()
        throws
    {
        try withShop { engine, worker in
            try engine.canary(99.9999)
            #expect(try worker.score("").slot == .stable)
            _ = try engine.setWeight(100)
            #expect(try worker.score("").slot == .canary)
        }
    }

    @Test func `a shadow answers nobody`() throws {
        try withShop { engine, worker in
            let status = try engine.shadow(
                KassaV1.ShadowRequest(scorer: "abandonment", model: "stump@2"), at: .now()
            ).status
            #expect(status?.slots.map(\.slot) == [.stable, .shadow])
            #expect(try worker.slots().allSatisfy { $0 == .stable })
            // The candidate of a canary may be left out then.
            _ = try engine.canary(100, of: "")
            #expect(try worker.slots(10).allSatisfy { $0 == .canary })
        }
    }

    @Test func `undo puts the old model back and keeps the new one out`() throws {
        try withShop { engine, worker in
            try worker.write(items: 4, session: "s")
            try engine.canary(10)
            _ = try engine.promote(full: true)
            #expect(try worker.score("s").margin == 0.25)
            #expect(try engine.status.previousUntilUs > Timestamp.now().microseconds)
            let status = try engine.undo()
            #expect(status.slots.map(\.model) == ["stump@1"])
            #expect(status.rollout?.phase == .phaseRolledBack)
            #expect(try worker.score("s").margin == -0.25)
            let error = #expect(throws: EngineError.self) { try engine.canary(1) }
            #expect(error?.kind == .failedPrecondition)
            #expect(error?.reason.contains("quarantine") == true)
            // The same bytes under another name are the same bundle.
            try engine.uploadStump(threshold: 5, name: "renamed")
            #expect(throws: EngineError.self) { try engine.canary(1, of: "renamed@1") }
            let cleared = try engine.clearQuarantine(
                KassaV1.ClearQuarantineRequest(model: "renamed@1", reason: "checked"), at: .now())
            #expect(!cleared.unchanged)
            try engine.canary(1, of: "renamed@1")
        }
    }

    @Test func `quarantine rolls back every rollout of those bytes`() throws {
        try withShop { engine, worker in
            try engine.apply([.scorer(KassaV1.ScorerSpec(name: "second", model: "stump@3"))])
            try engine.canary(50)
            _ = try engine.canary(
                KassaV1.CanaryRequest(scorer: "second", model: "stump@2", weightPercent: 5),
                at: .now())
            let answer = try engine.quarantine(
                KassaV1.QuarantineRequest(model: "stump@2", reason: "leaked"), at: .now())
            #expect(answer.rolledBack == ["abandonment", "second"])
            #expect(try worker.slots().allSatisfy { $0 == .stable })
            let again = try engine.quarantine(
                KassaV1.QuarantineRequest(bundleSha256: answer.bundleSha256, reason: "leaked"),
                at: .now())
            #expect(again.unchanged)
            for request in [
                KassaV1.QuarantineRequest(model: "stump@3", reason: "in STABLE"),
                KassaV1.QuarantineRequest(model: "stump@2"),
                KassaV1.QuarantineRequest(reason: "of what"),
                KassaV1.QuarantineRequest(bundleSha256: [1], reason: "short"),
                KassaV1.QuarantineRequest(model: "stump", reason: "which"),
            ] {
                #expect(throws: EngineError.self) { try engine.quarantine(request, at: .now()) }
            }
            #expect(throws: EngineError.self) {
                try engine.apply([.scorer(KassaV1.ScorerSpec(name: "third", model: "stump@2"))])
            }
        }
    }

    @Test func `apply fills STABLE once`() throws {
        try withShop { engine, worker in
            let error = #expect(throws: EngineError.self) { try engine.apply([scorer("stump@2")]) }
            #expect(error?.kind == .failedPrecondition)
            #expect(error?.reason.contains("rollout") == true)
            try engine.canary(50)
            _ = try engine.promote(full: true)
            // A document may say what is so, or nothing; the old one is refused rather than ignored.
            #expect(try engine.apply([scorer("stump@2")]).plan[0].action == .unchanged)
            #expect(try engine.apply([scorer("")]).plan[0].action == .unchanged)
            #expect(throws: EngineError.self) { try engine.apply([scorer("stump@1")]) }
            let document = try engine.get(
                KassaV1.GetRequest(kind: "scorer", name: "abandonment")
            ).document
            #expect(document?.resource == scorer("stump@2"))
        }
    }

    @Test func `every slot keeps its model and its features`() throws {
        try withShop { engine, _ in
            try engine.canary(50)
            #expect(throws: EngineError.self) {
                try engine.deleteModel(KassaV1.DeleteModelRequest(model: "stump@2"), at: .now())
            }
            #expect(
                try engine.getModel(KassaV1.GetModelRequest(model: "stump@2")).scorers
                    == ["abandonment"])
            try engine.abort()
            try engine.deleteModel(KassaV1.DeleteModelRequest(model: "stump@2"), at: .now())
        }
    }

    @Test func `other changes of configuration leave a rollout alone`() throws {
        try withShop { engine, worker in
            let status = try engine.canary(30)
            let before = try worker.slots()
            try engine.apply([.scorer(KassaV1.ScorerSpec(name: "other", model: "stump@3"))])
            try engine.uploadStump(threshold: 9, name: "more")
            #expect(try worker.slots() == before)
            #expect(try engine.status.rollout == status.rollout)
        }
    }

    @Test func `a restart goes on where it was`() throws {
        let folder = TemporaryFolder()
        var before: [KassaV1.Slot] = []
        var status = KassaV1.RolloutStatus()
        try withShop(in: folder) { engine, worker in
            try engine.canary(25, steps: [50])
            status = try engine.status
            before = try worker.slots()
        }
        try withShop(in: folder) { engine, worker in
            #expect(try engine.status == status)
            #expect(try worker.slots() == before)
            _ = try engine.promote(full: true)
            status = try engine.status
        }
        try withShop(in: folder) { engine, worker in
            #expect(try engine.status == status)
            try engine.undo()
            status = try engine.status
        }
        try withShop(in: folder) { engine, worker in
            let found = try engine.status
            #expect(found == status)
            #expect(try worker.slots(20).allSatisfy { $0 == .stable })
            #expect(throws: EngineError.self) { try engine.canary(1) }
        }
    }

    @Test func `the history tells every change, and a rollout is replayed from it`() throws {
        try withShop { engine, _ in
            let id = try engine.canary(1, steps: [5]).rollout!.id
            _ = try engine.promote()
            _ = try engine.pause(KassaV1.PauseRequest(scorer: "abandonment"), at: .now())
            _ = try engine.resume(KassaV1.ResumeRequest(scorer: "abandonment"), at: .now())
            _ = try engine.setWeight(40)
            _ = try engine.promote(full: true)
            try engine.undo()
            let other = try engine.canary(7, of: "stump@3").rollout!.id
            try engine.abort()
            let history = try engine.rolloutHistory(
                KassaV1.RolloutHistoryRequest(scorer: "abandonment")
            ).transitions
            #expect(
                history.map(\.verb) == [
                    "abort", "canary", "undo", "promote", "set-weight", "resume", "pause",
                    "promote", "canary",
                ])
            #expect(history.map(\.revision) == Array((1...9).reversed()))
            #expect(history.last?.actor == "ada" && history.last?.reason == "a test")
            let page = try engine.rolloutHistory(
                KassaV1.RolloutHistoryRequest(
                    scorer: "abandonment", limit: 2, beforeRevision: 5)
            ).transitions
            #expect(page.map(\.revision) == [4, 3])
            for (rollout, count) in [(id, 7), (other, 2)] {
                let explained = try engine.explainRollout(
                    KassaV1.ExplainRolloutRequest(rolloutId: rollout))
                #expect(explained.transitions.count == count)
                #expect(explained.agrees, "\(explained.disagreement)")
                #expect(explained.chainIntact)
            }
            #expect(throws: EngineError.self) {
                try engine.explainRollout(KassaV1.ExplainRolloutRequest(rolloutId: 9_999))
            }
        }
    }

    @Test func `a verb for another revision changes nothing`() throws {
        try withShop { engine, worker in
            try engine.canary(10, expecting: 0)
            let error = #expect(throws: EngineError.self) { try engine.canary(20, expecting: 5) }
            #expect(error?.kind == .aborted)
            let again = try engine.canary(
                KassaV1.CanaryRequest(
                    scorer: "abandonment", model: "stump@2", weightPercent: 10,
                    expectedRevision: 0), at: .now())
            #expect(again.unchanged && again.status?.revision == 1)
        }
    }

    @Test(
        arguments: [
            (-1, [], "weight_percent"), (100.1, [], "weight_percent"), (0, [], "weight_percent"),
            (.nan, [], "weight_percent"), (1, [0.5], "step_percents"),
            (1, [5, 5], "step_percents"),
            (1, [101], "step_percents[0]"),
            (1, (2...22).map { Double($0) }, "step_percents"),
        ] as [(Double, [Double], String)])
    func `a weight or step that makes no sense is refused`(
        weight: Double, steps: [Double], field: String
    ) throws {
        try withShop { engine, _ in
            let error = #expect(throws: EngineError.self) {
                try engine.canary(weight, steps: steps)
            }
            #expect(error?.kind == .invalidArgument)
            #expect(error?.reason.hasPrefix(field) == true, "\(error?.reason ?? "")")
            let status = try engine.status
            #expect(status.revision == 0)
        }
    }
}
