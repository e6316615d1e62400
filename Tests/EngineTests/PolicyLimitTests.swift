// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Testing

@testable import Engine

/// Policies by which nothing could ever be decided are no policies.
struct `The limits of a policy` {
    private func isTaken(_ policy: KassaV1.GuardPolicy) -> Bool {
        (try? policy.checked(for: KassaV1.ScorerSpec())) != nil
    }

    @Test func `are taken, and what is one beyond them is refused`() {
        #expect(isTaken(KassaV1.GuardPolicy(alpha: GuardLimits.alphaMin)))
        #expect(!isTaken(KassaV1.GuardPolicy(alpha: GuardLimits.alphaMin.nextDown)))
        #expect(!isTaken(KassaV1.GuardPolicy(alpha: .leastNonzeroMagnitude)))
        #expect(isTaken(KassaV1.GuardPolicy(pairSharePercent: GuardLimits.sharePercentMin)))
        #expect(
            !isTaken(KassaV1.GuardPolicy(pairSharePercent: GuardLimits.sharePercentMin.nextDown)))
        #expect(isTaken(KassaV1.GuardPolicy(watchSharePercent: 0)))
        #expect(isTaken(KassaV1.GuardPolicy(watchSharePercent: GuardLimits.sharePercentMin)))
        #expect(!isTaken(KassaV1.GuardPolicy(watchSharePercent: 1e-300)))
        #expect(isTaken(KassaV1.GuardPolicy(entitiesMin: GuardLimits.waitedForMax)))
        #expect(!isTaken(KassaV1.GuardPolicy(entitiesMin: GuardLimits.waitedForMax + 1)))
        #expect(isTaken(KassaV1.GuardPolicy(pairsMin: GuardLimits.waitedForMax)))
        #expect(!isTaken(KassaV1.GuardPolicy(pairsMin: .max)))
    }

    @Test(arguments: [(1.0, true), (1.0.nextUp, false), (5, false), (1e-9, true), (-0.1, false)])
    func `of a threshold are those of the candidate's scores`(
        _ threshold: Double, _ isRight: Bool
    ) throws {
        try withShop { engine, _ in
            let request = KassaV1.ShadowRequest(
                scorer: "abandonment", model: "stump@2",
                guard: KassaV1.GuardPolicy(decisionThreshold: threshold))
            guard !isRight else {
                _ = try engine.shadow(request, at: .now())
                return
            }
            let error = #expect(throws: EngineError.self) {
                try engine.shadow(request, at: .now())
            }
            #expect(error?.kind == .invalidArgument)
            #expect(error?.reason.hasPrefix("guard.decision_threshold: ") == true)
        }
    }

    @Test func `of a threshold are none where scores are margins`() throws {
        try withShop { engine, _ in
            try engine.uploadStump(threshold: 7) { spec in
                spec.output = KassaV1.ModelOutput(kind: .outputMargin)
            }
            for threshold in [5.0, -3] {
                let response = try engine.shadow(
                    KassaV1.ShadowRequest(
                        scorer: "abandonment", model: "stump@4",
                        guard: KassaV1.GuardPolicy(decisionThreshold: threshold)), at: .now())
                #expect(response.status?.guard?.policy?.decisionThreshold == threshold)
                try engine.abort()
            }
        }
    }
}
