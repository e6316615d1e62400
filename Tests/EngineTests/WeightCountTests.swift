// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Rollout
import Testing

@testable import Engine

/// A rollout is judged under so many different weights, and no verb asks for more.
struct `Different weights` {
    private func refusal(_ body: () throws -> Void) -> EngineError? {
        #expect(throws: EngineError.self) { try body() }
    }

    @Test func `are set up to the limit, and the one over it is refused before it is in force`()
        throws
    {
        try withShop { engine, _ in
            try engine.canary(1)
            // 0 is kept free.
            for weight in 2..<EvidenceLimits.sharesMax { _ = try engine.setWeight(Double(weight)) }
            let error = refusal { _ = try engine.setWeight(99) }
            #expect(error?.kind == .resourceExhausted)
            #expect(error?.reason.hasPrefix("weight_percent: ") == true)
            #expect(error?.reason.contains("64 different weights at most (sharesMax)") == true)
            #expect(try engine.status.rollout?.weightPercent == 63)
            #expect(engine.guards.orders(at: .now()).isEmpty)
            // Those that it has had, none, and back again.
            for weight in [5.0, 0, 63] {
                #expect(try engine.setWeight(weight).rollout?.weightPercent == weight)
            }
            #expect(engine.guards.orders(at: .now()).isEmpty)
        }
    }

    @Test func `of the steps are kept free for the guard`() throws {
        try withShop { engine, _ in
            let steps = (0..<RolloutLimits.stepsMax).map { 81 + Double($0) }
            try engine.canary(1, steps: steps)
            let free = EvidenceLimits.sharesMax - steps.count - 1
            for weight in 2...free { _ = try engine.setWeight(Double(weight)) }
            #expect(refusal { _ = try engine.setWeight(70) }?.kind == .resourceExhausted)
            for step in steps {
                #expect(try engine.promote().rollout?.weightPercent == step)
                #expect(engine.guards.orders(at: .now()).isEmpty)
            }
            #expect(try engine.setWeight(0).rollout?.weightPercent == 0)
            #expect(engine.guards.orders(at: .now()).isEmpty)
        }
    }

    @Test func `are known behind a restart`() throws {
        let folder = TemporaryFolder()
        try withShop(in: folder) { engine, _ in
            try engine.canary(1)
            for weight in 2..<EvidenceLimits.sharesMax { _ = try engine.setWeight(Double(weight)) }
            _ = try engine.setWeight(1)
        }
        try withShop(in: folder) { engine, _ in
            #expect(refusal { _ = try engine.setWeight(99) }?.kind == .resourceExhausted)
        }
    }

    @Test func `are refused to a candidate that cannot be judged, and its alarm says so`() throws {
        let stored = KassaStorageV1.StoredEvidence(rolloutId: 7, evidence: [1])
        let rollout = RolloutState(
            id: 7, salt: "abandonment/7", candidate: Bundle(model: "stump@2", digest: [2]),
            baseline: Bundle(model: "stump@1", digest: [1]), phase: .canary,
            weight: Weight(percent: 5)!, steps: [])
        let guarded = GuardedRollout(
            "abandonment", rollout,
            KassaV1.GuardPolicy().completed(for: KassaV1.ScorerSpec()), Brake(),
            stored: (stored, nil), now: .now())
        #expect(guarded.order(at: .now())?.alarm?.kind == .unjudged)
        #expect(guarded.standing(rollout).defect != nil)
    }
}
