// SPDX-License-Identifier: Apache-2.0

import Base
import Rollout
import Testing

struct `What is observed` {
    @Test func `both a shadow and its stable model fail on speaks for a shadow that may be worse`()
        throws
    {
        var evidence = try Evidence(seed: 1, share: 0.5)
        let untouched = evidence.logEvidence(of: .errors)
        for entity in 0..<1_000 as Range<UInt64> {
            evidence.observe(shadowed: entity, stable: .error, canary: .error)
        }
        #expect(evidence.counts.shares[0].errors == evidence.counts[.error])
        #expect(evidence.counts[.error].both == 1_000)
        #expect(evidence.counts[.error].arms == ArmCounts(stable: 1_000, canary: 1_000))
        #expect(evidence.logEvidence(of: .errors) < untouched)
        #expect(evidence.step.canaryBadEvents[0] == 1_000)
    }

    @Test func `both fail on says nothing if a shadow must not be worse at all`() throws {
        var rule = EvidenceRule()
        rule.tolerances.relativeRiskMax = 1
        var evidence = try Evidence(rule: rule, seed: 1, share: 0.5)
        let untouched = evidence.logEvidence
        for entity in 0..<1_000 as Range<UInt64> {
            evidence.observe(shadowed: entity, stable: .error, canary: .error)
        }
        #expect(evidence.logEvidence == untouched)
    }

    @Test func `a shadow fails on beside what both fail on is weighed as a rate`() throws {
        // The stable model fails at every tenth request, the shadow at those and at every so many more.
        func verdict(oneMoreOf period: UInt64) throws -> EvidenceVerdict {
            var evidence = try Evidence(seed: 1, share: 0.5)
            for request in 0..<20_000 as Range<UInt64> {
                let isBoth = request % 10 == 0
                evidence.observe(
                    shadowed: request, stable: isBoth ? .error : [],
                    canary: isBoth || request % period == 5 ? .error : [])
            }
            return evidence.verdict
        }
        // A tenth, a fifth and a quarter more are within the tolerance; twice as much is not.
        for period in [100, 50, 40] as [UInt64] {
            #expect(try verdict(oneMoreOf: period) == .within)
        }
        #expect(try verdict(oneMoreOf: 10) == .rollback(.evidence))
    }

    @Test func `the canary alone had is traffic and no comparison`() throws {
        var evidence = try Evidence(seed: 1, share: 0.5)
        let untouched = evidence.logEvidence
        for entity in 0..<1_000 as Range<UInt64> {
            evidence.observe(unshadowed: entity, canary: .error)
        }
        #expect(evidence.logEvidence == untouched)
        #expect(evidence.counts[.error].total == 0)
        #expect(evidence.step.canaryRequests == 1_000)
        #expect(evidence.step.canaryBadEvents[0] == 1_000)
    }

    @Test func `of an entity's first is told, and of no repetition`() throws {
        var evidence = try Evidence(seed: 1, share: 0.05)
        evidence.observe(request: 1, arm: .canary, outcome: .error)
        #expect(evidence.counted == .error)
        evidence.observe(request: 1, arm: .canary, outcome: [.error, .fallback])
        #expect(evidence.counted == .fallback)
        evidence.observe(request: 1, arm: .canary, outcome: [.error, .fallback])
        #expect(evidence.counted == [])
        evidence.observe(pair: 1, decisionsDiffer: false)
        #expect(evidence.countedPair)
        evidence.observe(pair: 1, decisionsDiffer: true)
        #expect(!evidence.countedPair)
    }

    @Test func `after an outage of the stable model is weighed at fair odds`() throws {
        // Nine entities of ten are the stable model's, and all of them have failed once.
        var evidence = try Evidence(seed: 1, share: 0.1)
        var generator = SeededGenerator(seed: 2)
        let entities = (0..<5_000).map { _ in generator.next() }
        func isCanary(_ entity: UInt64) -> Bool { entity % 10 == 0 }
        for entity in entities {
            evidence.observe(
                request: entity, arm: isCanary(entity) ? .canary : .stable,
                outcome: isCanary(entity) ? [] : .error)
        }
        // Now either fails as rarely as the other.
        for _ in 0..<400_000 {
            let entity = entities[Int(generator.next() % 5_000)]
            let isBad = generator.next() % 100 == 0
            evidence.observe(
                request: entity, arm: isCanary(entity) ? .canary : .stable,
                outcome: isBad ? .error : [])
            try #require(evidence.verdict == .within)
        }
        // Who has spoken to the bets since the rollout began is silent; the later bets hear them again.
        #expect(evidence.counts[.error].alone.canary > 200)
        // And a canary that fails now is found out, by entities that are known.
        var count = 0
        while evidence.verdict != .rollback(.evidence) {
            let entity = entities[Int(generator.next() % 5_000)]
            if isCanary(entity) {
                evidence.observe(request: entity, arm: .canary, outcome: .error)
                count += 1
            }
            try #require(count < 100)
        }
    }

    @Test func `a shadow alone fails on condemns it`() throws {
        var evidence = try Evidence(seed: 1, share: 0.5)
        var count: UInt64 = 0
        while evidence.verdict != .rollback(.evidence) {
            evidence.observe(shadowed: count, stable: [], canary: .error)
            count += 1
            try #require(count < 100)
        }
        // At even odds an event says little; with R = 30 it is worth 0.5 nats.
        #expect(count > 10)
    }

    @Test func `with a share of nothing or everything compares nothing`() throws {
        for share in [0.0, 1.0] {
            var evidence = try Evidence(seed: 1, share: share)
            let untouched = evidence.logEvidence
            for entity in 0..<500 as Range<UInt64> {
                evidence.observe(request: entity, arm: .canary, outcome: .error)
                evidence.observe(request: 1_000 + entity, arm: .stable, outcome: .error)
            }
            #expect(evidence.verdict == .within)
            #expect(evidence.logEvidence == untouched)
        }
    }

    @Test(arguments: [-0.1, 1.1, .nan, .infinity])
    func `with a probability that is none is refused and counted`(probability: Double) throws {
        var evidence = try Evidence(seed: 1, share: 0.05)
        evidence.observe(label: 1, outcome: true, canary: probability, stable: 0.5)
        evidence.observe(label: 2, outcome: true, canary: 0.5, stable: probability)
        #expect(evidence.counts.refusedLabels == 2)
        #expect(evidence.counts.labels == 0)
    }

    @Test func `in a split that is not the share pauses the rollout`() throws {
        var evidence = try Evidence(seed: 1, share: 0.05)
        var generator = SeededGenerator(seed: 4)
        var count = 0
        while evidence.verdict == .within {
            let entity = generator.next()
            evidence.observe(
                request: entity, arm: entity % 10 == 0 ? .canary : .stable, outcome: [])
            count += 1
            try #require(count < 5_000)
        }
        #expect(evidence.verdict == .pause)
        // Later the split is right again, and the alarm is still recomputed from what was counted then.
        for _ in 0..<50_000 {
            let entity = generator.next()
            evidence.observe(
                request: entity, arm: entity % 20 == 0 ? .canary : .stable, outcome: [])
        }
        #expect(evidence.verdict == .pause)
        let explanation = try EvidenceExplanation(of: evidence.encoded().span)
        #expect(explanation.agrees && explanation.verdict == .pause)
        let bytes = evidence.encoded()
        #expect(try Evidence(decoding: bytes.span).encoded() == bytes)
    }

    @Test func `in a split that is the share pauses nothing`() throws {
        var evidence = try Evidence(seed: 1, share: 0.05)
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<50_000 {
            let entity = generator.next()
            evidence.observe(
                request: entity, arm: entity % 20 == 0 ? .canary : .stable, outcome: [])
        }
        #expect(evidence.verdict == .within)
        #expect(evidence.counts.shares[0].entities.total > 49_900)
    }

    @Test func `of a world that changed for both models is no evidence of calibration`() throws {
        // Twice as many buy as both models say; the canary is no different from stable.
        var evidence = try Evidence(seed: 1, share: 0.05)
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<20_000 {
            let entity = generator.next()
            evidence.observe(
                label: entity, outcome: generator.next() % 10 < 2, canary: 0.1, stable: 0.1)
        }
        #expect(evidence.verdict == .within)
        #expect(evidence.logEvidence(of: .calibration) < 0)
    }

    @Test func `of a canary alone that is off condemns it`() throws {
        var evidence = try Evidence(seed: 1, share: 0.05)
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<20_000 where evidence.verdict != .rollback(.evidence) {
            let entity = generator.next()
            evidence.observe(
                label: entity, outcome: generator.next() % 10 < 2, canary: 0.1, stable: 0.2)
        }
        #expect(evidence.verdict == .rollback(.evidence))
    }

    @Test func `under the sixty-fifth share is refused`() throws {
        var evidence = try Evidence(seed: 1, share: 0)
        for step in 1..<EvidenceLimits.sharesMax {
            try evidence.beginStep(share: Double(step) / 1_000)
        }
        try evidence.beginStep(share: 0.005)
        #expect(evidence.counts.shares.count == EvidenceLimits.sharesMax)
        #expect(throws: EvidenceError.tooManyShares) { try evidence.beginStep(share: 0.999) }
        #expect(throws: EvidenceError.outOfRange("share")) { try evidence.beginStep(share: 1.5) }
        #expect(throws: EvidenceError.outOfRange("share")) { try evidence.beginStep(share: .nan) }
    }
}

struct `A rule` {
    @Test func `that is the default can be used`() {
        #expect(EvidenceRule().fault == nil)
        #expect(EvidenceRule().weights == [0.30, 0.15, 0.15, 0.15, 0.15, 0.10])
    }

    @Test func `names the number that is out of range`() {
        func fault(_ change: (inout EvidenceRule) -> Void) -> EvidenceError? {
            var rule = EvidenceRule()
            change(&rule)
            return rule.fault
        }
        #expect(fault { $0.alpha = 0 } == .outOfRange("alpha"))
        #expect(fault { $0.alpha = .nan } == .outOfRange("alpha"))
        #expect(fault { $0.freezeAt = 1_001 } == .outOfRange("freeze_at"))
        #expect(fault { $0.weights[0] = 0.31 } == .outOfRange("weights"))
        #expect(fault { $0.weights.removeLast() } == .outOfRange("weights"))
        #expect(fault { $0.tolerances.relativeRiskMax = 0.9 } == .outOfRange("relative_risk_max"))
        #expect(fault { $0.tolerances.flipRateMax = 0.6 } == .outOfRange("flip_rate_max"))
        #expect(fault { $0.tolerances.brierMargin = 0.2 } == .outOfRange("brier_margin"))
        #expect(fault { $0.tolerances.calibrationMargin = -1 } == .outOfRange("calibration_margin"))
        var bytes = FilterBytes()
        bytes.labels = EvidenceLimits.filterBytesMax
        bytes.events = EvidenceLimits.filterBytesMin
        #expect(throws: Never.self) { try Evidence(seed: 1, share: 0.1, filterBytes: bytes) }
        for wrong in [100, EvidenceLimits.filterBytesMin / 2, EvidenceLimits.filterBytesMax * 2] {
            bytes.events = wrong
            #expect(throws: EvidenceError.outOfRange("filter_bytes.events")) {
                try Evidence(seed: 1, share: 0.1, filterBytes: bytes)
            }
        }
        bytes.events = 1 << 18
        bytes.later = 100
        #expect(throws: EvidenceError.outOfRange("filter_bytes.later")) {
            try Evidence(seed: 1, share: 0.1, filterBytes: bytes)
        }
        bytes.events = 100
        #expect(throws: EvidenceError.outOfRange("filter_bytes.events")) {
            try Evidence(seed: 1, share: 0.1, filterBytes: bytes)
        }
    }
}

struct `An entity filter` {
    @Test func `knows everybody it has seen`() {
        var filter = EntityFilter(byteCount: 1 << 12, seed: 1)
        for entity in 0..<2_000 as Range<UInt64> { _ = filter.insert(entity, role: 2) }
        for entity in 0..<2_000 as Range<UInt64> {
            let isNew = filter.insert(entity, role: 2)
            #expect(!isNew)
        }
    }

    @Test func `that forgets all knows nobody`() {
        var filter = EntityFilter(byteCount: 1 << 12, seed: 1)
        for entity in 0..<100 as Range<UInt64> { _ = filter.insert(entity) }
        filter.forgetAll()
        #expect(filter == EntityFilter(byteCount: 1 << 12, seed: 1))
    }

    @Test func `mistakes one new entity in a thousand at sixteen bits each`() {
        var filter = EntityFilter(byteCount: 1 << 16, seed: 1)
        var mistakes = 0
        for entity in 0..<32_768 as Range<UInt64> where !filter.insert(entity) { mistakes += 1 }
        #expect(mistakes < 33)
        #expect(filter.fill < 0.5)
    }

    @Test func `mistakes others under another seed and in another role`() {
        func mistaken(seed: UInt64, role: UInt64) -> Set<UInt64> {
            var filter = EntityFilter(byteCount: 1 << 10, seed: seed)
            return Set((0..<4_000 as Range<UInt64>).filter { !filter.insert($0, role: role) })
        }
        let first = mistaken(seed: 1, role: 0)
        #expect(!first.isEmpty)
        #expect(first != mistaken(seed: 2, role: 0))
        #expect(first != mistaken(seed: 1, role: 1))
    }
}
