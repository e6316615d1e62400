// SPDX-License-Identifier: Apache-2.0

import Base
import Rollout
import Testing

struct `Advancing` {
    static let rule = AdvanceRule(
        steps: [
            .init(share: 0.05, dwellMilliseconds: 60_000, entitiesMin: 1_000),
            .init(share: 0.5, dwellMilliseconds: 60_000, entitiesMin: 1_000),
        ], deadlineMilliseconds: 3_600_000)

    /// Evidence after so many entities, each with one good request and a pair.
    static func healthy(
        entities: UInt64, errorEvery: UInt64 = .max, canaryEvery: UInt64 = 20
    ) throws -> Evidence {
        var evidence = try Evidence(seed: 1, share: 1 / Double(canaryEvery))
        var generator = SeededGenerator(seed: 1)
        for index in 0..<entities {
            let entity = generator.next()
            evidence.observe(
                request: entity, arm: index % canaryEvery == 0 ? .canary : .stable,
                outcome: index % errorEvery == 1 ? .error : [])
            evidence.observe(pair: entity, decisionsDiffer: false)
        }
        return evidence
    }

    private func decision(
        _ evidence: Evidence, step: Int = 0, age: UInt64 = 60_000, total: UInt64 = 60_000
    ) -> AdvanceDecision {
        Self.rule.decision(
            evidence, step: step, stepAgeMilliseconds: age, deadlineAgeMilliseconds: total)
    }

    @Test func `goes on when everything has been shown`() throws {
        var evidence = try Self.healthy(entities: 40_000)
        #expect(decision(evidence) == .advance(share: 0.5))
        try evidence.beginStep(share: 0.5)
        guard case .hold(let reasons) = decision(evidence, step: 1) else {
            Issue.record("a step that has just begun has shown nothing")
            return
        }
        #expect(reasons.contains(.entities))
    }

    @Test func `waits for the dwell to the millisecond`() throws {
        let evidence = try Self.healthy(entities: 40_000)
        #expect(decision(evidence, age: 59_999) == .hold(.dwell))
        #expect(decision(evidence, age: 60_000) == .advance(share: 0.5))
    }

    @Test func `waits for the floor of entities to the last one`() throws {
        // Every twentieth is the canary's, the first among them.
        let short = try Self.healthy(entities: 19_980)
        #expect(short.step.entities.canary == 999)
        #expect(decision(short) == .hold(.entities))
        let enough = try Self.healthy(entities: 19_981)
        #expect(decision(enough) == .advance(share: 0.5))
    }

    @Test func `one entity that comes ten thousand times is one entity`() throws {
        var evidence = try Self.healthy(entities: 19_980)
        for _ in 0..<10_000 { evidence.observe(request: 5, arm: .stable, outcome: []) }
        #expect(decision(evidence) == .hold(.entities))
    }

    @Test func `holds on silence and pauses at the deadline`() throws {
        let evidence = try Evidence(seed: 1, share: 0.05)
        guard case .hold(let reasons) = decision(evidence, age: .max, total: 3_599_999) else {
            Issue.record("silence advanced")
            return
        }
        #expect(reasons == [.errors, .sloMisses, .fallbacks, .pairs, .entities])
        #expect(decision(evidence, age: .max, total: 3_600_000) == .pause(reasons))
    }

    @Test func `holds while errors are above their budget and no better than stable's`() throws {
        // 1 % of both arms fail: above the budget of 0.5 %, and too few to rule out one and a half times.
        let evidence = try Self.healthy(entities: 40_000, errorEvery: 97)
        guard case .hold(let reasons) = decision(evidence) else {
            Issue.record("errors above the budget advanced")
            return
        }
        #expect(reasons == .errors)
    }

    @Test func `errors above the budget do not hold a canary shown to be no worse`() throws {
        let evidence = try Self.healthy(entities: 40_000, errorEvery: 97, canaryEvery: 2)
        #expect(decision(evidence) == .advance(share: 0.5))
        let bound = try #require(ConfidenceBound.relativeRiskMax(.error, in: evidence.counts))
        #expect(bound > 1 && bound < 1.5)
    }

    @Test func `holds while the evidence asks for caution`() throws {
        var evidence = try Self.healthy(entities: 40_000)
        var entity: UInt64 = 0
        while evidence.verdict == .within {
            #expect(decision(evidence) == .advance(share: 0.5))
            evidence.observe(request: entity, arm: .canary, outcome: .fallback)
            entity += 1
        }
        #expect(evidence.verdict == .freeze)
        #expect(decision(evidence) == .hold(.evidence))
    }

    @Test func `the last step completes, and there is none after it`() throws {
        var evidence = try Evidence(seed: 1, share: 0.5)
        var generator = SeededGenerator(seed: 1)
        for index in 0..<20_000 {
            let entity = generator.next()
            evidence.observe(
                request: entity, arm: index % 2 == 0 ? .canary : .stable, outcome: [])
            evidence.observe(pair: entity, decisionsDiffer: index % 60 == 0)
        }
        #expect(decision(evidence, step: 1) == .complete)
        #expect(decision(evidence, step: 2) == .hold(.noStep))
        #expect(decision(evidence, step: -1) == .hold(.noStep))
    }

    @Test func `a rule whose shares do not rise is refused`() {
        var rule = Self.rule
        #expect(rule.fault == nil)
        rule.steps[1].share = 0.05
        #expect(rule.fault == .outOfRange("steps.share"))
    }
}
