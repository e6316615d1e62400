// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Crypto
import Rollout
import Synchronization
import Testing
import Wire

@testable import Engine

/// What a promotion is watched for as long as it can be undone, in an engine whose guard turns when the
/// test says so.
struct `After a promotion` {
    @Test func `PREVIOUS scores beside it for a share of entities, and a worse model is undone`()
        throws
    {
        try withShop { engine, worker in
            try engine.promoteWatched("stump@2", GuardPolicy(watchSharePercent: 25))
            #expect(try engine.status.guard?.mode == "AFTERCARE")
            try worker.fill(200, items: 2)
            #expect(try worker.slots() == [KassaV1.Slot](repeating: .stable, count: 200))
            worker.settle()
            engine.judge()
            let calm = try #require(try engine.status.guard)
            #expect((20...80).contains(calm.pairs) && calm.differingPairs == 0)
            #expect(calm.verdict == "WITHIN")
            // 4 items lie between the thresholds of the two.
            try worker.fill(400, from: 200, items: 4)
            for session in 200..<600 { _ = try worker.score("s-\(session)") }
            worker.settle()
            engine.judge()
            let status = try engine.status
            #expect(status.rollout?.phase == .phaseRolledBack)
            #expect(status.slots.map(\.model) == ["stump@1"] && status.guard == nil)
            let told = try engine.explainRollout(
                KassaV1.ExplainRolloutRequest(rolloutId: status.rollout!.id))
            let last = try #require(told.transitions.last)
            #expect(told.agrees && told.chainIntact && told.guard?.verdict == "ROLLBACK")
            #expect(last.actor == "guard" && last.verb == "roll-back")
            #expect(last.phaseBefore == .phasePromoted && last.lastAnswerAfterUs == 0)
            #expect(last.reason.hasPrefix("decision_flips: "))
            #expect(throws: EngineError.self) { try engine.canary(1) }
        }
    }

    @Test
    func `nothing is watched with a share of 0, and the promotion can be undone all the same`()
        throws
    {
        try withShop { engine, worker in
            try engine.promoteWatched("stump@2", GuardPolicy(watchSharePercent: 0))
            try worker.fill(200, items: 4)
            _ = try worker.slots()
            worker.settle()
            engine.judge()
            let status = try engine.status
            #expect(status.guard == nil && status.rollout?.phase == .phasePromoted)
            #expect(engine.guards.rings[0].count == 0)
            #expect(try engine.undo().slots.map(\.model) == ["stump@1"])
        }
    }

    @Test func `it ends with PREVIOUS, and leaves nothing in the store`() throws {
        let folder = TemporaryFolder()
        try withShop(in: folder) { engine, worker in
            let id = try engine.promoteWatched()
            try worker.fill(50, items: 2)
            _ = try worker.slots(50)
            worker.settle()
            engine.judge()
            GuardCare.storeAll(engine)
            try worker.flush()
            #expect(try Engine.storedEvidence(engine.environment, engine.tables)[id] != nil)
            engine.releasePrevious(of: "abandonment")
            #expect(try engine.status.guard == nil)
            #expect(try Engine.storedEvidence(engine.environment, engine.tables).isEmpty)
            _ = try worker.slots(50)
            worker.settle()
            #expect(engine.guards.rings[0].count == 0)
        }
    }

    @Test(arguments: [100.0, 0.000_1])
    func `a score that is no number is answered by PREVIOUS, whoever asks`(_ share: Double) throws {
        try withShop { engine, worker in
            try engine.uploadOverflowing()
            let id = try engine.promoteWatched("overflow@1", GuardPolicy(watchSharePercent: share))
            try worker.write(items: 1, session: "s-1")
            try worker.write(items: 9, session: "s-9")
            let sound = try worker.score("s-1")
            #expect(sound.slot == .stable && sound.model == "overflow@1")
            let answer = try worker.score("s-9")
            #expect(answer.model == "stump@1" && answer.slot == .previous && answer.fallback)
            // From then on it answers everybody.
            let next = try worker.score("s-1")
            #expect(next.slot == .previous && !next.fallback)
            worker.settle()
            engine.judge()
            let told = try engine.explainRollout(KassaV1.ExplainRolloutRequest(rolloutId: id))
            #expect(told.agrees && told.guard?.verdict == "ROLLBACK")
            #expect(told.transitions.last?.reason == "contract violation: non-finite score")
            #expect(told.transitions.last?.samples.map(\.event) == ["violations"])
            #expect(try worker.score("s-9").slot == .stable)
        }
    }

    @Test func `its evidence outlives a restart, and is not that of the rollout before`() throws {
        let folder = TemporaryFolder()
        var before = KassaV1.RolloutStatus()
        try withShop(in: folder) { engine, worker in
            try worker.fill(300, items: 2)
            try engine.canary(50)
            _ = try worker.slots(300)
            worker.settle()
            engine.judge()
            #expect(try engine.status.guard?.pairs == 300)
            GuardCare.storeAll(engine)
            _ = try engine.promote(full: true)
            #expect(try engine.status.guard?.pairs == 0)
            try worker.flush()
            _ = try worker.slots(300)
            worker.settle()
            engine.judge()
            before = try engine.status
            #expect((1...40).contains(before.guard!.pairs))
        }
        try withShop(in: folder) { engine, worker in
            #expect(try engine.status == before)
            _ = try worker.slots(300)
            worker.settle()
            engine.judge()
            // Whoever has spoken does not speak again.
            #expect(try engine.status.guard?.pairs == before.guard?.pairs)
        }
    }

    @Test func `it rests while another model is tried, and goes on behind it`() throws {
        let folder = TemporaryFolder()
        var rested: UInt64 = 0
        try withShop(in: folder) { engine, worker in
            let id = try engine.promoteWatched("stump@2", GuardPolicy(watchSharePercent: 100))
            try worker.fill(100, items: 2)
            _ = try worker.slots(60)
            worker.settle()
            engine.judge()
            #expect(try engine.status.guard?.pairs == 60)
            let third = try engine.canary(50, of: "stump@3")
            #expect(third.guard?.mode == "SPLIT" && third.rollout?.id != id)
            _ = try worker.slots(30)
            worker.settle()
            engine.judge()
            #expect(try engine.status.guard?.pairs == 30)
            try engine.abort()
            #expect(try engine.status.guard?.pairs == 60)
            #expect(try engine.status.guard?.policy?.watchSharePercent == 100)
            try engine.canary(50, of: "stump@3")
        }
        // A restart in between loses none of it either.
        try withShop(in: folder) { engine, worker in
            try engine.abort()
            #expect(try engine.status.guard?.pairs == 60)
            try worker.fill(40, from: 100, items: 4)
            for session in 100..<140 { _ = try worker.score("s-\(session)") }
            worker.settle()
            engine.judge()
            let status = try engine.status
            #expect(status.rollout?.phase == .phaseRolledBack)
            #expect(status.rollout?.candidate?.model == "stump@2")
            #expect(status.slots.map(\.model) == ["stump@1"])
            rested = try #require(status.rollout?.id)
            let told = try engine.explainRollout(
                KassaV1.ExplainRolloutRequest(rolloutId: rested))
            #expect(told.agrees, "\(told.disagreement)")
            #expect(told.transitions.map(\.verb) == ["canary", "promote", "undo"])
            #expect(told.transitions.last?.actor == "guard")
            #expect(told.guard?.verdict == "ROLLBACK")
            // The third is no worse for it.
            try engine.canary(1, of: "stump@3")
        }
    }

    @Test func `a promotion on top of another one drops what was known of it`() throws {
        try withShop { engine, worker in
            let first = try engine.promoteWatched()
            let second: UInt64 = try engine.promoteWatched("stump@3")
            GuardCare.storeAll(engine)
            try worker.flush()
            let stored = try Engine.storedEvidence(engine.environment, engine.tables)
            #expect(Array(stored.keys) == [second] && first != second)
            #expect(try engine.undo().slots.map(\.model) == ["stump@2"])
        }
    }

    @Test func `the calibration of STABLE is of what STABLE has, PREVIOUS has its own`() throws {
        try withShop { engine, worker in
            try engine.apply([
                .scorer(
                    KassaV1.ScorerSpec(
                        name: "abandonment", model: "",
                        outcomes: KassaV1.OutcomeSpec(maturityMs: 1_000, horizonMs: 60_000)))
            ])
            try engine.promoteWatched("stump@2", GuardPolicy(watchSharePercent: 100))
            // Both score them alike: nothing is decided before the labels come.
            try worker.fill(20, items: 2)
            var reports: [KassaV1.Outcome] = []
            let asked = Timestamp.now()
            for session in 0..<20 {
                let answer = try worker.score(
                    KassaV1.ScoreRequest(
                        scorer: "abandonment",
                        entities: [KassaV1.EntityKey(kind: "session", id: "s-\(session)")],
                        record: true))
                reports.append(KassaV1.Outcome(scoreId: answer.scoreId, label: session % 2 == 0))
            }
            worker.settle()
            engine.guardTurn(at: asked)
            let bytes = KassaV1.RecordOutcomeRequest(outcomes: reports).encodedBytes()
            let done = Acknowledged()
            try engine.recordOutcomes(bytes.span, at: .now()) { _ in done.set() }
            engine.guardTurn(at: .now())
            done.wait { engine.guardTurn(at: .now()) }
            engine.guardTurn(at: Timestamp(microseconds: asked.microseconds + 5_000_000))
            let found = try engine.calibration(KassaV1.GetCalibrationRequest(scorer: "abandonment"))
            #expect(found.slots.map(\.slot) == [.stable, .previous])
            #expect(found.slots.map(\.labels) == [20, 20])
            let models = try engine.status.slots
            for (slot, model) in zip(found.slots, models) {
                #expect(slot.bundlePrefix == Array(model.bundleSha256.prefix(8)))
            }
            let guarded = try #require(try engine.status.guard)
            #expect(guarded.labels == 20)
        }
    }

    typealias GuardPolicy = KassaV1.GuardPolicy
}

struct `Pairs that wait` {
    /// A turn longer than the queue scores it in between, in the memory of the vectors.
    @Test func `keep their vectors when the queue is full in the middle of a turn`() throws {
        try withShop { engine, worker in
            // The same model over a copy of the feature: the vectors are not shared.
            try engine.apply([
                .featureSet(
                    KassaV1.FeatureSetSpec(
                        name: "cart", version: 2, entity: ["session"],
                        features: [KassaV1.FeatureSpec(name: "items", type: .int64)]))
            ])
            try engine.uploadStump(name: "copy") { spec in
                spec.inputs = [KassaV1.ModelInput(featureSet: "cart@2", feature: "items")]
            }
            for session in 0..<600 {
                try worker.write(items: session % 2 == 0 ? 1 : 5, session: "s-\(session)")
                try worker.write(
                    items: session % 2 == 0 ? 1 : 5, session: "s-\(session)", set: "cart@2")
            }
            try engine.canary(50, of: "copy@1")
            _ = try worker.slots(600)
            worker.settle()
            engine.judge()
            let guarded = try #require(try engine.status.guard)
            #expect(guarded.pairs == 600 && guarded.differingPairs == 0)
        }
    }
}

private final class Acknowledged: Sendable {
    private let done = Atomic(false)

    func set() { done.store(true, ordering: .releasing) }

    func wait(_ meanwhile: () -> Void) {
        while !done.load(ordering: .acquiring) { meanwhile() }
    }
}

extension Engine {
    /// Takes a model through a canary to STABLE; the rollout.
    @discardableResult
    fileprivate func promoteWatched(
        _ model: String = "stump@2", _ policy: KassaV1.GuardPolicy = KassaV1.GuardPolicy()
    ) throws -> UInt64 {
        _ = try canary(
            KassaV1.CanaryRequest(
                scorer: "abandonment", model: model, weightPercent: 5, guard: policy), at: .now())
        return try #require(try promote(full: true).rollout?.id)
    }

    /// Weighs what the loops have seen, and does what follows.
    fileprivate func judge() {
        guards.turn(at: .now())
        for order in guards.orders(at: .now()) { carryOut(order) }
    }

    /// `overflow@1`: exp(100 · items), no number from 8 items on.
    fileprivate func uploadOverflowing() throws {
        let artefact = Array(
            #"""
            {"kassa_model":1,"link":"exponential","intercept":0,
            "terms":[{"feature":"items","weight":100,"missing":0}]}
            """#.utf8)
        _ = try upload(
            KassaV1.ModelSpec(
                name: "overflow", format: .plainJson, sha256: SHA256.digest(of: artefact.span),
                byteCount: UInt64(artefact.count),
                inputs: [KassaV1.ModelInput(featureSet: "cart@1", feature: "items")],
                golden: [KassaV1.GoldenRow(row: [0], margin: 0)]),
            artefact: artefact, actor: "", reason: "", at: .now())
    }
}

extension Worker {
    /// Waits until the writer has done what it was given.
    fileprivate mutating func flush() throws { try write(items: 0, session: "last") }

    /// Writes rows of `count` sessions.
    fileprivate mutating func fill(_ count: Int, from start: Int = 0, items: Int64) throws {
        for session in start..<start + count { try write(items: items, session: "s-\(session)") }
    }
}
