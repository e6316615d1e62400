// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Rollout
import Testing

@testable import Engine

/// How a guard compares the two models when both have every request.
struct `A canary that answers everybody` {
    static let whole = Weight.wholeMillionths

    @Test(arguments: [RequestOutcome.error, .sloMiss, .fallback])
    func `goes by what only it has`(_ outcome: RequestOutcome) throws {
        let brake = Brake()
        let guarded = Compared.guarded(Compared.rollout(weight: Self.whole), brake: brake)
        for entity in 0..<400 { guarded.observe(Compared.event(entity, .whole)) }
        var count = 0
        while brake.flags.isEmpty && count < 200 {
            guarded.observe(Compared.event(1_000 + count, .whole, trial: outcome))
            count += 1
        }
        #expect(count < 40)
        let order = try #require(guarded.order(at: Compared.time(0)))
        #expect(order.verb == .rollBack && order.mode == .whole)
        #expect(order.reason.contains("\(count) entities of the candidate"))
        #expect(order.reason.contains(", 0 of STABLE"))
    }

    @Test func `stays for what STABLE has too, and as often`() {
        let guarded = Compared.guarded(Compared.rollout(weight: Self.whole))
        for entity in 0..<4_000 {
            // A third of entities have it with both, a third with one of the two, evenly.
            let trial = entity % 6 < 2 || entity % 6 == 3
            let reference = entity % 6 < 2 || entity % 6 == 4
            guarded.observe(
                Compared.event(
                    entity, .whole, trial: trial ? .error : [], reference: reference ? .error : []))
        }
        #expect(guarded.evidence.verdict == .within)
    }

    @Test func `is not convicted by entities that only it has answered`() {
        let guarded = Compared.guarded(Compared.rollout(weight: Self.whole))
        for entity in 0..<2_000 {
            var event = Compared.event(entity, .whole, trial: .error)
            event.marks.remove(.isCompared)
            guarded.observe(event)
        }
        #expect(guarded.evidence.logEvidence <= 0)
        // But it has answered them, and badly.
        #expect(guarded.evidence.step.canaryRequests == 2_000)
        #expect(guarded.evidence.step.canaryBadEvents[0] == 2_000)
        #expect(guarded.evidence.step.entities.canary == 2_000)
    }

    @Test func `passes its step by time, entities and pairs like any other`() {
        let policy = KassaV1.GuardPolicy(
            dwellMs: 60_000, entitiesMin: 2_000, pairsMin: 2_000, deadlineMs: 600_000)
        let steps = [Weight(millionths: Self.whole)!]
        let guarded = Compared.guarded(Compared.rollout(weight: 500_000, steps: steps), policy)
        guarded.follow(
            Compared.rollout(weight: Self.whole, steps: steps),
            policy.completed(for: KassaV1.ScorerSpec()), Brake(), now: Compared.time(0))
        #expect(guarded.status(at: Compared.time(0)).mode == "WHOLE")
        for entity in 0..<1_999 { guarded.observe(Compared.event(entity, .whole)) }
        #expect(guarded.status(at: Compared.time(61)).holds.contains("entities"))
        for entity in 1_999..<4_000 { guarded.observe(Compared.event(entity, .whole)) }
        #expect(guarded.order(at: Compared.time(59)) == nil)
        #expect(guarded.order(at: Compared.time(60))?.verb == .promote(isFull: true))
    }

    @Test func `is not judged by events of the split before it, nor those after it by its own`() {
        let guarded = Compared.guarded(Compared.rollout(weight: 500_000))
        guarded.observe(Compared.event(1, .whole, trial: .error))
        #expect(guarded.staleCount == 1)
        guarded.follow(
            Compared.rollout(weight: Self.whole), KassaV1.GuardPolicy(), Brake(),
            now: Compared.time(0))
        // The same share of evidence, and yet another comparison.
        var event = Compared.event(2, .split, trial: .error)
        event.weight = 500_000
        guarded.observe(event)
        #expect(guarded.staleCount == 2 && guarded.evidence.counts.shares.count == 1)
    }

    @Test func `that has had too many weights before is left without weight, and traps nothing`() {
        let guarded = Compared.guarded(Compared.rollout(weight: 1))
        for weight in 2...EvidenceLimits.sharesMax {
            guarded.follow(
                Compared.rollout(weight: UInt32(weight)), KassaV1.GuardPolicy(), Brake(),
                now: Compared.time(0))
        }
        guarded.follow(
            Compared.rollout(weight: Self.whole), KassaV1.GuardPolicy(), Brake(),
            now: Compared.time(0))
        guarded.observe(Compared.event(1, .whole, trial: .error))
        #expect(guarded.staleCount == 1)
        #expect(guarded.order(at: Compared.time(0))?.verb == .setWeight(.none))
    }
}

/// The same behind a promotion, where STABLE is on trial.
struct `A promoted model` {
    @Test func `is undone for what PREVIOUS does not have, and the reason says whose it is`() throws
    {
        let guarded = Compared.guarded(Compared.rollout(.promoted))
        for entity in 0..<60 {
            guarded.observe(Compared.event(entity, .aftercare, trial: .fallback))
        }
        let order = try #require(guarded.order(at: Compared.time(0)))
        #expect(order.verb == .rollBack && order.isAftercare)
        #expect(order.reason.hasPrefix("fallbacks: "))
        #expect(order.reason.contains("entities of STABLE had a fallback, 0 of PREVIOUS"))
    }

    @Test func `is not undone for a better PREVIOUS that is within the tolerance`() {
        let guarded = Compared.guarded(Compared.rollout(.promoted))
        for entity in 0..<20_000 {
            let isBad = entity % 20 == 0
            let trial = isBad && entity % 40 == 0
            guarded.observe(
                Compared.event(
                    entity, .aftercare, trial: trial ? .sloMiss : [],
                    reference: isBad && !trial ? .sloMiss : []))
        }
        #expect(guarded.evidence.verdict == .within && guarded.order(at: Compared.time(1e5)) == nil)
    }

    @Test func `is judged by labels with the roles that the two models had at the time`() {
        let guarded = Compared.guarded(Compared.rollout(.promoted))
        func label(_ entity: UInt64, slot: KassaV1.Slot, good: Double, bad: Double) {
            // The model on trial is the one that is wrong, in whichever slot it was.
            let isPrevious = slot == .previous
            let score = RecordedScore(
                id: ScoreID(lane: 1, microseconds: Int64(entity), serial: 0), rollout: 7,
                entity: entity &* 0x9E37_79B9_7F4A_7C15, stable: isPrevious ? bad : good,
                candidate: isPrevious ? good : bad, stableBundle: 1, candidateBundle: 2,
                slot: 1, candidateSlot: UInt8(slot.rawValue))
            var kept = KeptScore(score)
            _ = kept.take(true, at: 0)
            guarded.observe(kept.mature(absent: .ignore)!, at: Compared.time(0))
        }
        for entity in 1...40 { label(UInt64(entity), slot: .canary, good: 0.9, bad: 0.1) }
        let before = guarded.evidence.logEvidence(of: .pairedBrier)
        #expect(before > 0)
        for entity in 41...200 { label(UInt64(entity), slot: .previous, good: 0.9, bad: 0.1) }
        #expect(guarded.evidence.verdict.isRollback)
        #expect(guarded.order(at: Compared.time(0))?.reason.contains("worse than PREVIOUS") == true)
    }

    @Test func `has evidence of its own, that says so where it is stored`() {
        let open = Compared.guarded(Compared.rollout(weight: 500_000))
        let promoted = Compared.guarded(Compared.rollout(.promoted))
        #expect(open.evidence.seed != promoted.evidence.seed)
        #expect(!open.stored(at: Compared.time(0)).isAftercare)
        #expect(promoted.stored(at: Compared.time(0)).isAftercare)
        #expect(promoted.status(at: Compared.time(0)).mode == "AFTERCARE")
    }

    @Test func `whose evidence is lost is judged anew and keeps its place`() {
        let stored = KassaStorageV1.StoredEvidence(
            rolloutId: 7, evidence: [1, 2, 3], mode: 3)
        let guarded = Compared.guarded(Compared.rollout(.promoted), stored: (stored, nil))
        #expect(guarded.order(at: Compared.time(0)) == nil)
        #expect(
            guarded.status(at: Compared.time(0)).holds == ["its stored evidence cannot be read"])
        for entity in 0..<60 {
            guarded.observe(Compared.event(entity, .aftercare, trial: .error))
        }
        #expect(guarded.order(at: Compared.time(0))?.verb == .rollBack)
    }
}

/// A rollout and its events, as loops make them.
private enum Compared {
    static func rollout(
        _ phase: RolloutPhase = .canary, weight: UInt32 = 0, steps: [Weight] = []
    ) -> RolloutState {
        RolloutState(
            id: 7, salt: "abandonment/7", candidate: Bundle(model: "stump@2", digest: [2]),
            baseline: Bundle(model: "stump@1", digest: [1]), phase: phase,
            weight: Weight(millionths: weight)!, steps: steps)
    }

    static func guarded(
        _ rollout: RolloutState, _ policy: KassaV1.GuardPolicy = KassaV1.GuardPolicy(),
        brake: Brake = Brake(),
        stored: (state: KassaStorageV1.StoredEvidence, filters: [UInt8]?)? = nil
    ) -> GuardedRollout {
        GuardedRollout(
            "abandonment", rollout, policy.completed(for: KassaV1.ScorerSpec()), brake,
            stored: stored, now: time(0))
    }

    static func time(_ seconds: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: 1_000_000_000 + UInt64(seconds * 1e9))
    }

    static func event(
        _ entity: Int, _ mode: WatchMode, trial: RequestOutcome = [],
        reference: RequestOutcome = []
    ) -> GuardEvent {
        var event = GuardEvent(
            rollout: 7, entity: UInt64(entity) &* 0x9E37_79B9_7F4A_7C15,
            atNanoseconds: UInt64(entity) + 1, weight: 500_000, mode: mode)
        event.marks = [.isTrial, .isPair, .isCompared]
        event.trial = trial
        event.reference = reference
        return event
    }
}
