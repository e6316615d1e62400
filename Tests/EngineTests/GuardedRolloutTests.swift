// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Rollout
import Testing

@testable import Engine

/// A guard by itself: events go in, the clock is set, orders come out.
struct GuardedRolloutTests {
    private static func rollout(
        _ phase: RolloutPhase = .canary, weight: UInt32 = 100_000, steps: [UInt32] = []
    ) -> RolloutState {
        RolloutState(
            id: 7, salt: "abandonment/7", candidate: Bundle(model: "stump@2", digest: [2]),
            baseline: Bundle(model: "stump@1", digest: [1]), phase: phase,
            weight: Weight(millionths: phase == .shadow ? 0 : weight)!,
            steps: steps.map { Weight(millionths: $0)! })
    }

    private static func guarded(
        _ rollout: RolloutState = rollout(), _ policy: KassaV1.GuardPolicy = KassaV1.GuardPolicy(),
        brake: Brake = Brake(),
        stored: (state: KassaStorageV1.StoredEvidence, filters: [UInt8]?)? = nil,
        at seconds: Double = 0
    ) -> GuardedRollout {
        GuardedRollout(
            "abandonment", rollout, policy.completed(for: KassaV1.ScorerSpec()), brake,
            stored: stored, now: time(seconds))
    }

    private static func time(_ seconds: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: 1_000_000_000 + UInt64(seconds * 1e9))
    }

    private static func event(
        _ entity: Int, canary: Bool = false, differs: Bool? = nil, weight: UInt32 = 100_000,
        outcome: RequestOutcome = RequestOutcome(rawValue: 0), violation: ContractViolation? = nil,
        shadow: RequestOutcome? = nil
    ) -> GuardEvent {
        var event = GuardEvent(
            rollout: 7, entity: UInt64(entity) &* 0x9E37_79B9_7F4A_7C15,
            atNanoseconds: UInt64(entity) + 1, weight: weight, mode: .split)
        event.insert(outcome, ofTrial: canary)
        if canary { event.marks.insert(.isTrial) }
        if let differs {
            event.marks.insert(.isPair)
            if differs { event.marks.insert(.decisionsDiffer) }
        }
        if let shadow {
            event.mode = .shadow
            event.marks.insert(.isCompared)
            event.trial = shadow
        }
        event.violation = violation?.rawValue ?? 0
        return event
    }

    @Test func `decisions that differ pull the brake at the event that decides`() throws {
        let brake = Brake()
        let guarded = Self.guarded(brake: brake)
        var count = 0
        while brake.flags.isEmpty && count < 100 {
            guarded.observe(Self.event(count, differs: true))
            count += 1
        }
        #expect(brake.flags == .rollBack)
        #expect(guarded.decidedAtNanoseconds == UInt64(count))
        #expect(count < 20)
        let order = try #require(guarded.order(at: Self.time(0)))
        #expect(order.verb == .rollBack)
        #expect(order.reason.hasPrefix("decision_flips: \(count) of \(count)"))
        #expect(guarded.samples[3].entities.count == count)
    }

    @Test func `a freeze is told once, until all that spoke for it is lost`() throws {
        let guarded = Self.guarded()
        var count = 0
        var told = 0
        func feed(differs: Bool, until isDone: () -> Bool) throws {
            while !isDone() {
                guarded.observe(Self.event(count, differs: differs))
                if guarded.freeze() != nil { told += 1 }
                count += 1
                try #require(count < 100_000)
            }
        }
        func freezes() -> Bool { guarded.evidence.verdict == .freeze }
        for _ in 0..<3 {
            try feed(differs: true, until: freezes)
            try feed(differs: false) { guarded.evidence.verdict == .within }
        }
        #expect(told == 1)
        try feed(differs: false) { guarded.evidence.logEvidence < 0 }
        try feed(differs: true, until: freezes)
        #expect(told == 2)
    }

    @Test func `an entity is on record for what was counted of it, and for nothing else`() {
        let guarded = Self.guarded()
        // Its decisions differ, and it fails, only after it was weighed as a pair.
        guarded.observe(Self.event(1, canary: true, differs: false))
        guarded.observe(Self.event(1, canary: true, differs: true, outcome: .error))
        #expect(guarded.evidence.counts.differingPairs == 0)
        #expect(guarded.samples[GuardedRollout.differingKind].entities.isEmpty)
        #expect(guarded.samples[BadEvent.error.rawValue].entities.count == 1)
    }

    @Test func `one entity that comes again and again decides nothing`() {
        let guarded = Self.guarded()
        for _ in 0..<10_000 {
            guarded.observe(Self.event(1, canary: true, differs: true, outcome: .error))
        }
        #expect(!guarded.evidence.verdict.isRollback)
    }

    @Test func `what came under another weight is dropped, whichever model answered`() {
        let guarded = Self.guarded()
        for entity in 0..<1_000 {
            guarded.observe(
                Self.event(entity, canary: entity % 2 == 0, differs: true, weight: 50_000))
        }
        #expect(guarded.staleCount == 1_000)
        #expect(guarded.evidence.counts.pairs == 0)
    }

    @Test(arguments: [ContractViolation.nonFiniteScore, .scoreOutOfRange])
    func `a broken contract rolls back at once, whatever the weight was`(
        _ violation: ContractViolation
    ) throws {
        let guarded = Self.guarded()
        guarded.observe(Self.event(3, canary: true, weight: 1, violation: violation))
        let order = try #require(guarded.order(at: Self.time(0)))
        #expect(order.reason == "contract violation: \(violation.words)")
        #expect(guarded.samples[4].entities.count == 1)
    }

    @Test func `a loop that pulled the brake is believed though its event was lost`() throws {
        let brake = Brake()
        let guarded = Self.guarded(brake: brake)
        brake.rollBack(for: .nonFiniteScore, of: 77, at: 42)
        guarded.lookAtBrake()
        #expect(guarded.samples[GuardedRollout.violationKind].entities == [77])
        #expect(guarded.decidedAtNanoseconds == 42)
        #expect(guarded.order(at: Self.time(0))?.verb == .rollBack)
    }

    @Test func `a stored age that is damaged traps nothing`() {
        let evidence = Self.guarded().evidence
        let state = KassaStorageV1.StoredEvidence(
            rolloutId: 7, evidence: evidence.encoded(), ageMs: .max, stepAgeMs: .max)
        let guarded = Self.guarded(stored: (state, nil))
        #expect(guarded.defect == nil)
        #expect(guarded.status(at: Self.time(100)).ageMs >= UInt64.max / 2)
        #expect(guarded.status(at: Self.time(100)).stepAgeMs >= UInt64.max / 2)
    }

    @Test func `a slow shadow goes by requests that only it is slow at`() throws {
        let guarded = Self.guarded(Self.rollout(.shadow))
        let half: UInt32 = 500_000
        for entity in 0..<100 {
            guarded.observe(
                Self.event(entity, weight: half, outcome: .sloMiss, shadow: .sloMiss))
        }
        #expect(guarded.evidence.verdict == .within)
        for entity in 100..<140 {
            guarded.observe(Self.event(entity, weight: half, shadow: .sloMiss))
        }
        let order = try #require(guarded.order(at: Self.time(0)))
        #expect(order.reason.hasPrefix("slo_misses: "))
    }

    private static let stepping = KassaV1.GuardPolicy(
        dwellMs: 60_000, entitiesMin: 100, pairsMin: 100, deadlineMs: 600_000)

    private static func feed(_ guarded: GuardedRollout, weight: UInt32, from: Int = 0) {
        for entity in from..<from + 40_000 {
            guarded.observe(
                event(entity, canary: entity % 10 == 0, differs: false, weight: weight))
        }
    }

    @Test func `a step is taken when its time and its entities have come, not before`() {
        let guarded = Self.guarded(Self.rollout(steps: [500_000]), Self.stepping)
        #expect(guarded.order(at: Self.time(61)) == nil)
        #expect(guarded.status(at: Self.time(61)).holds.contains("entities"))
        Self.feed(guarded, weight: 100_000)
        #expect(guarded.order(at: Self.time(59.9)) == nil)
        #expect(guarded.status(at: Self.time(59.9)).holds == ["dwell"])
        #expect(guarded.order(at: Self.time(60))?.verb == .promote(isFull: false))
        // The next step begins anew.
        guarded.follow(
            Self.rollout(weight: 500_000, steps: [500_000]),
            Self.stepping.completed(for: KassaV1.ScorerSpec()), Brake(), now: Self.time(60))
        #expect(guarded.order(at: Self.time(121)) == nil)
        for entity in 50_000..<60_000 {
            guarded.observe(
                Self.event(entity, canary: entity % 2 == 0, differs: false, weight: 500_000))
        }
        #expect(guarded.order(at: Self.time(121))?.verb == .promote(isFull: true))
    }

    @Test func `no step is taken while features drift, and the deadline pauses all the same`()
        throws
    {
        let guarded = Self.guarded(Self.rollout(steps: [500_000]), Self.stepping)
        Self.feed(guarded, weight: 100_000)
        #expect(guarded.order(at: Self.time(60), isDrifting: true) == nil)
        #expect(guarded.status(at: Self.time(60), isDrifting: true).holds == ["drift"])
        #expect(guarded.status(at: Self.time(60)).holds.isEmpty)
        #expect(guarded.order(at: Self.time(60))?.verb == .promote(isFull: false))
        let order = try #require(guarded.order(at: Self.time(600), isDrifting: true))
        #expect(order.verb == .pause && order.reason.hasSuffix("held by drift"))
    }

    @Test func `silence is no success: at the deadline the rollout is paused`() throws {
        let guarded = Self.guarded(Self.rollout(steps: [500_000]), Self.stepping)
        #expect(guarded.order(at: Self.time(599)) == nil)
        let order = try #require(guarded.order(at: Self.time(600)))
        #expect(order.verb == .pause)
        #expect(order.reason.hasPrefix("deadline: "))
    }

    @Test func `without a dwell only people take steps`() {
        let guarded = Self.guarded(Self.rollout(steps: [500_000]))
        Self.feed(guarded, weight: 100_000)
        #expect(guarded.order(at: Self.time(1e6)) == nil)
    }

    @Test func `a split that is not as the weight says pauses`() throws {
        let guarded = Self.guarded(Self.rollout())
        for entity in 0..<2_000 { guarded.observe(Self.event(entity, canary: entity % 2 == 0)) }
        let order = try #require(guarded.order(at: Self.time(0)))
        #expect(order.verb == .pause)
        #expect(order.reason.hasPrefix("sample-ratio mismatch"))
    }

    @Test func `what was stored goes on where it was, and nobody speaks twice`() throws {
        let guarded = Self.guarded(Self.rollout(steps: [500_000]), Self.stepping)
        for entity in 0..<500 {
            guarded.observe(
                Self.event(
                    entity, canary: entity % 10 == 0, differs: entity % 50 == 0,
                    outcome: entity % 100 == 0 ? .fallback : RequestOutcome(rawValue: 0)))
        }
        let stored = guarded.stored(at: Self.time(30))
        let filters = guarded.evidence.encodedFilters()
        let resumed = Self.guarded(
            Self.rollout(steps: [500_000]), Self.stepping, stored: (stored, filters), at: 1_000)
        #expect(resumed.evidence == guarded.evidence)
        #expect(resumed.stepAgeMilliseconds(Self.time(1_010)) == 40_000)
        #expect(resumed.samples == guarded.samples)
        for entity in 0..<500 { resumed.observe(Self.event(entity, differs: true)) }
        #expect(resumed.evidence.counts.pairs == 500)
        #expect(resumed.evidence.logEvidence == guarded.evidence.logEvidence)
    }

    @Test func `evidence that cannot be read leaves the candidate no weight`() throws {
        let stored = KassaStorageV1.StoredEvidence(rolloutId: 7, evidence: [1, 2, 3])
        let guarded = Self.guarded(stored: (stored, nil))
        let order = try #require(guarded.order(at: Self.time(0)))
        #expect(order.verb == .setWeight(.none))
    }

    @Test func `more weights than can be judged leave the candidate no weight`() {
        let guarded = Self.guarded()
        for weight in 1...EvidenceLimits.sharesMax - 1 {
            guarded.follow(
                Self.rollout(weight: UInt32(weight)), KassaV1.GuardPolicy(), Brake(),
                now: Self.time(0))
        }
        #expect(guarded.order(at: Self.time(0)) == nil)
        guarded.follow(
            Self.rollout(weight: 999_999), KassaV1.GuardPolicy(), Brake(), now: Self.time(0))
        #expect(guarded.order(at: Self.time(0))?.verb == .setWeight(.none))
    }

    @Test(arguments: [
        (KassaV1.GuardPolicy(alpha: 0.04), "alpha"), (KassaV1.GuardPolicy(alpha: -1), "alpha"),
        (KassaV1.GuardPolicy(relativeRiskMax: 0.9), "relative_risk_max"),
        (KassaV1.GuardPolicy(flipRateMax: 0.6), "flip_rate_max"),
        (KassaV1.GuardPolicy(brierMargin: 0.2), "brier_margin"),
        (KassaV1.GuardPolicy(calibrationMarginPp: 21), "calibration_margin"),
        (KassaV1.GuardPolicy(sloMicroseconds: 60_000_001), "slo_microseconds"),
        (KassaV1.GuardPolicy(pairSharePercent: 101), "pair_share_percent"),
        (KassaV1.GuardPolicy(dwellMs: 31_536_000_001), "dwell_ms"),
        (KassaV1.GuardPolicy(deadlineMs: 31_536_000_001), "deadline_ms"),
        (KassaV1.GuardPolicy(decisionThreshold: .nan), "decision_threshold"),
    ])
    func `a policy that makes no sense is refused by its field`(
        _ policy: KassaV1.GuardPolicy, _ field: String
    ) throws {
        let error = #expect(throws: EngineError.self) {
            try policy.checked(for: KassaV1.ScorerSpec())
        }
        #expect(error?.reason.contains("guard.\(field)") == true)
    }

    @Test func `a policy at its limits is taken`() throws {
        let policy = KassaV1.GuardPolicy(
            alpha: 1.0 / 30, relativeRiskMax: 10, flipRateMax: 0.5, brierMargin: 0.1,
            calibrationMarginPp: 20, sloMicroseconds: 60_000_000, pairSharePercent: 100,
            dwellMs: 31_536_000_000, deadlineMs: 31_536_000_000)
        let checked = try policy.checked(for: KassaV1.ScorerSpec(decisionThreshold: 0.3))
        #expect(checked.decisionThreshold == 0.3)
        #expect(checked.alpha == 1.0 / 30)
    }

    @Test func `time in which the process stood still is no time of a step`() {
        let guarded = Self.guarded()
        for second in stride(from: 0.0, through: 5, by: 0.5) { guarded.look(at: Self.time(second)) }
        guarded.look(at: Self.time(35))
        #expect(guarded.stepAgeMilliseconds(Self.time(35)) == 5_000)
        // The rollout grows old all the same: its deadline is for people who wait.
        #expect(guarded.ageMilliseconds(Self.time(35)) == 35_000)
        guarded.look(at: Self.time(35.9))
        #expect(guarded.stepAgeMilliseconds(Self.time(35.9)) == 5_900)
        // Exactly at the limit it was slow, and no more.
        guarded.look(at: Self.time(36.9))
        #expect(guarded.stepAgeMilliseconds(Self.time(36.9)) == 6_900)
    }

    @Test func `what a shadow has shown passes no step of a canary, not even behind a kill`() throws
    {
        let shadow = Self.rollout(.shadow)
        let before = Self.guarded(shadow)
        for entity in 0..<200 {
            before.observe(
                Self.event(entity, differs: false, weight: 500_000, shadow: []))
        }
        #expect(before.evidence.step.entities.canary == 200)
        // A canary of the same share as a shadow's, which is half.
        let canary = Self.rollout(.canary, weight: 500_000)
        let after = Self.guarded(canary, stored: (before.stored(at: Self.time(9)), nil), at: 10)
        #expect(after.evidence.step.entities.canary == 0)
        #expect(after.evidence.counts.pairs == 200)
        #expect(after.stepAgeMilliseconds(Self.time(11)) == 1_000)
        // The shadow itself goes on where it was.
        let same = Self.guarded(shadow, stored: (before.stored(at: Self.time(9)), nil), at: 10)
        #expect(same.evidence.step.entities.canary == 200)
        #expect(same.stepAgeMilliseconds(Self.time(11)) == 10_000)
    }
}
