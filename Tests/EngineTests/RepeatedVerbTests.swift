// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Rollout
import Testing

@testable import Engine

/// Verbs that were carried out already, asked with another guard, and documents that would change whom a
/// guard counts.
struct `While a rollout is judged` {
    private static let policy = KassaV1.GuardPolicy(
        alpha: 0.01, relativeRiskMax: 1.5, flipRateMax: 0.1, brierMargin: 0.001,
        calibrationMarginPp: 2, sloMicroseconds: 900, pairSharePercent: 50, dwellMs: 3_600_000,
        entitiesMin: 20_000, pairsMin: 2_000, deadlineMs: 86_400_000, decisionThreshold: 0.4,
        watchSharePercent: 10)

    private static let others: [(String, KassaV1.GuardPolicy)] = [
        ("alpha", KassaV1.GuardPolicy(alpha: 0.001)),
        ("relative_risk_max", KassaV1.GuardPolicy(relativeRiskMax: 1.25)),
        ("flip_rate_max", KassaV1.GuardPolicy(flipRateMax: 0.2)),
        ("brier_margin", KassaV1.GuardPolicy(brierMargin: 0.002)),
        ("calibration_margin_pp", KassaV1.GuardPolicy(calibrationMarginPp: 1)),
        ("slo_microseconds", KassaV1.GuardPolicy(sloMicroseconds: 500)),
        ("pair_share_percent", KassaV1.GuardPolicy(pairSharePercent: 100)),
        ("dwell_ms", KassaV1.GuardPolicy(dwellMs: 1)),
        ("entities_min", KassaV1.GuardPolicy(entitiesMin: 10_000)),
        ("pairs_min", KassaV1.GuardPolicy(pairsMin: 1_000)),
        ("deadline_ms", KassaV1.GuardPolicy(deadlineMs: 604_800_000)),
        ("decision_threshold", KassaV1.GuardPolicy(decisionThreshold: 0.5)),
        ("watch_share_percent", KassaV1.GuardPolicy(watchSharePercent: 0)),
    ]

    private func canary(
        _ engine: Engine, _ policy: KassaV1.GuardPolicy?, expecting: UInt64? = nil
    ) throws -> KassaV1.RolloutResponse {
        try engine.canary(
            KassaV1.CanaryRequest(
                scorer: "abandonment", model: "stump@2", weightPercent: 5,
                expectedRevision: expecting, guard: policy), at: .now())
    }

    private func shadow(
        _ engine: Engine, _ policy: KassaV1.GuardPolicy?, expecting: UInt64? = nil
    ) throws -> KassaV1.RolloutResponse {
        try engine.shadow(
            KassaV1.ShadowRequest(
                scorer: "abandonment", model: "stump@2", expectedRevision: expecting,
                guard: policy), at: .now())
    }

    @Test(arguments: [nil, 0 as UInt64?], [true, false])
    func `a repeated verb with another guard is refused by its first field`(
        _ expecting: UInt64?, _ isCanary: Bool
    ) throws {
        try withShop { engine, _ in
            func ask(_ policy: KassaV1.GuardPolicy?) throws -> KassaV1.RolloutResponse {
                isCanary
                    ? try canary(engine, policy, expecting: expecting)
                    : try shadow(engine, policy, expecting: expecting)
            }
            let first = try ask(Self.policy)
            #expect(!first.unchanged)
            for (field, policy) in Self.others {
                let error = #expect(throws: EngineError.self) { try ask(policy) }
                #expect(error?.kind == .failedPrecondition)
                #expect(error?.reason.hasPrefix("guard.\(field): ") == true)
            }
            let two = KassaV1.GuardPolicy(flipRateMax: 0.2, dwellMs: 5)
            let error = #expect(throws: EngineError.self) { try ask(two) }
            #expect(error?.reason.hasPrefix("guard.flip_rate_max: ") == true)
            // The same, a part of it and none of it are what was asked before.
            for policy in [Self.policy, KassaV1.GuardPolicy(alpha: 0.01), nil] {
                let again = try ask(policy)
                #expect(
                    again.unchanged && again.status?.guard?.policy == first.status?.guard?.policy)
            }
            let senseless = #expect(throws: EngineError.self) {
                try ask(KassaV1.GuardPolicy(alpha: 2))
            }
            #expect(senseless?.kind == .invalidArgument)
        }
    }

    @Test func `the retry of a canary that was a shadow is known with what it asked`() throws {
        try withShop { engine, _ in
            _ = try shadow(engine, KassaV1.GuardPolicy(alpha: 0.01, sloMicroseconds: 900))
            let asked = KassaV1.GuardPolicy(dwellMs: 5_000)
            _ = try canary(engine, asked, expecting: 1)
            #expect(try canary(engine, asked, expecting: 1).unchanged)
            let error = #expect(throws: EngineError.self) {
                try canary(engine, KassaV1.GuardPolicy(dwellMs: 6_000), expecting: 1)
            }
            #expect(error?.reason.hasPrefix("guard.dwell_ms: ") == true)
        }
    }

    @Test func `the kind of entity that it is assigned by stays`() throws {
        try withShop { engine, _ in
            func apply(_ entity: String) throws {
                try engine.apply([
                    .scorer(
                        KassaV1.ScorerSpec(name: "abandonment", model: "stump@1", entity: entity))
                ])
            }
            func refusal(_ rollout: String) throws {
                let error = #expect(throws: EngineError.self) { try apply("customer") }
                #expect(error?.kind == .failedPrecondition)
                #expect(error?.reason.hasPrefix("documents[0].scorer.entity: \(rollout)") == true)
            }
            let id = try #require(try engine.canary(5).rollout).id
            try refusal("rollout \(id)")
            // The same kind in words is the same assignment, and all else may change.
            try apply("session")
            try apply("")
            try engine.apply([
                .scorer(
                    KassaV1.ScorerSpec(
                        name: "abandonment", model: "stump@1", owner: "ada",
                        decisionThreshold: 0.3))
            ])
            #expect(try engine.status.guard?.policy?.decisionThreshold == 0.5)
            _ = try engine.promote(full: true)
            let error = #expect(throws: EngineError.self) {
                try engine.apply([
                    .scorer(KassaV1.ScorerSpec(name: "abandonment", entity: "customer"))
                ])
            }
            #expect(error?.reason.contains("PROMOTED") == true)
            _ = try engine.undo()
            try apply("customer")
            try engine.canary(5, of: "stump@3")
            try engine.abort()
            try apply("session")
        }
    }
}
