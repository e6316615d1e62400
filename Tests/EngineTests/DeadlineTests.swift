// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Rollout
import Testing

@testable import Engine

/// When a canary is paused because it does not get through.
struct `A deadline` {
    private static let policy = KassaV1.GuardPolicy(
        dwellMs: 60_000, entitiesMin: 100, pairsMin: 100, deadlineMs: 600_000
    ).completed(for: KassaV1.ScorerSpec())

    private static func rollout(_ phase: RolloutPhase) -> RolloutState {
        RolloutState(
            id: 7, salt: "abandonment/7", candidate: Bundle(model: "stump@2", digest: [2]),
            baseline: Bundle(model: "stump@1", digest: [1]), phase: phase,
            weight: Weight(millionths: phase == .shadow ? 0 : 100_000)!,
            steps: [Weight(millionths: 500_000)!])
    }

    private static func time(_ seconds: UInt64) -> MonotonicTime {
        MonotonicTime(nanoseconds: (1 + seconds) * 1_000_000_000)
    }

    private static func guarded(
        _ phase: RolloutPhase, stored: KassaStorageV1.StoredEvidence? = nil, at seconds: UInt64 = 0
    ) -> GuardedRollout {
        GuardedRollout(
            "abandonment", rollout(phase), policy, Brake(), stored: stored.map { ($0, nil) },
            now: time(seconds))
    }

    private static func follow(_ guarded: GuardedRollout, _ phase: RolloutPhase, at seconds: UInt64)
    {
        guarded.follow(rollout(phase), policy, Brake(), now: time(seconds))
    }

    @Test func `counts from the canary's beginning, not from the shadow's`() throws {
        let guarded = Self.guarded(.shadow)
        #expect(guarded.status(at: Self.time(5_000)).deadlineAgeMs == 0)
        Self.follow(guarded, .canary, at: 5_000)
        #expect(guarded.order(at: Self.time(5_599)) == nil)
        #expect(guarded.status(at: Self.time(5_599)).deadlineAgeMs == 599_000)
        #expect(guarded.status(at: Self.time(5_599)).ageMs == 5_599_000)
        #expect(try #require(guarded.order(at: Self.time(5_600))).isDeadline)
    }

    @Test func `begins anew when somebody resumes, and every time`() throws {
        let guarded = Self.guarded(.canary)
        var now: UInt64 = 600
        for _ in 0..<3 {
            #expect(guarded.order(at: Self.time(now))?.verb == .pause)
            Self.follow(guarded, .paused, at: now)
            now += 10_000
            #expect(guarded.order(at: Self.time(now)) == nil)
            Self.follow(guarded, .canary, at: now)
            #expect(guarded.order(at: Self.time(now + 599)) == nil)
            now += 600
        }
        // Another weight is no new period.
        #expect(guarded.order(at: Self.time(now))?.verb == .pause)
    }

    @Test func `goes on behind a restart, but for one that was held`() throws {
        let canary = Self.guarded(.canary)
        let goesOn = Self.guarded(.canary, stored: canary.stored(at: Self.time(400)), at: 1_000)
        #expect(goesOn.order(at: Self.time(1_199)) == nil)
        #expect(goesOn.order(at: Self.time(1_200))?.verb == .pause)
        // What is stored with a resume is of the moment before: paused at its deadline.
        Self.follow(canary, .paused, at: 600)
        let resumed = Self.guarded(.canary, stored: canary.stored(at: Self.time(900)), at: 1_000)
        #expect(resumed.order(at: Self.time(1_599)) == nil)
        #expect(resumed.order(at: Self.time(1_600))?.verb == .pause)
    }

    @Test func `is stored with each change of the phase`() {
        let guarded = Self.guarded(.shadow)
        var before = guarded.changeCount
        for phase in [RolloutPhase.canary, .paused, .canary] {
            Self.follow(guarded, phase, at: 1)
            #expect(guarded.changeCount > before)
            #expect(guarded.stored(at: Self.time(1)).isHeld == (phase != .canary))
            before = guarded.changeCount
        }
    }

    @Test func `of evidence that an earlier release stored counts the rollout's age`() {
        var stored = Self.guarded(.canary).stored(at: Self.time(400))
        stored.deadlineAgeMs = nil
        let guarded = Self.guarded(.canary, stored: stored, at: 1_000)
        #expect(guarded.order(at: Self.time(1_199)) == nil)
        #expect(guarded.order(at: Self.time(1_200))?.verb == .pause)
        stored.deadlineAgeMs = .max
        #expect(Self.guarded(.canary, stored: stored).order(at: Self.time(9))?.verb == .pause)
    }
}
