// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc
import Rollout
import Testing

/// Hashes of entities that differ in every bit.
struct Entities {
    private var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    mutating func next() -> UInt64 { generator.next() }
}

struct `Evidence against a canary` {
    @Test func `starts with four fifths of its bets placed and asks for nothing`() throws {
        let evidence = try Evidence(seed: 1, share: 0.05)
        #expect(evidence.verdict == .within)
        #expect(abs(evidence.logEvidence - log(0.8)) < 1e-9)
    }

    @Test func `a canary that fails on four entities of five percent goes`() throws {
        var evidence = try Evidence(seed: 1, share: 0.05)
        var entities = Entities(seed: 1)
        for count in 1...10 {
            let verdict = evidence.observe(
                request: entities.next(), arm: .canary, outcome: .error)
            if verdict == .rollback(.evidence) {
                #expect(count <= 5)
                return
            }
        }
        Issue.record("ten failures of ten on a twentieth of the traffic are nothing")
    }

    @Test func `one entity that fails a thousand times is one failure`() throws {
        var evidence = try Evidence(seed: 1, share: 0.05)
        for _ in 0..<1_000 {
            evidence.observe(request: 7, arm: .canary, outcome: [.error, .sloMiss, .fallback])
        }
        #expect(evidence.verdict == .within)
        #expect(evidence.counts.shares[0].errors.alone == ArmCounts(stable: 0, canary: 1))
        #expect(evidence.counts.shares[0].sloMisses.alone == ArmCounts(stable: 0, canary: 1))
        #expect(evidence.step.entities == ArmCounts(stable: 0, canary: 1))
        #expect(evidence.step.canaryBadEvents == [1_000, 1_000, 1_000])
    }

    @Test(arguments: ContractViolation.allCases)
    func `a breach of the contract rolls back at once, and stays`(
        violation: ContractViolation
    ) throws {
        var evidence = try Evidence(seed: 1, share: 0.05)
        #expect(evidence.observe(violation: violation) == .rollback(.violation(violation)))
        let before = evidence
        evidence.observe(request: 9, arm: .stable, outcome: .error)
        evidence.observe(violation: .goldenRowFailed)
        evidence.observe(pair: 9, decisionsDiffer: true)
        evidence.observe(label: 9, outcome: true, canary: 0, stable: 1)
        #expect(evidence == before)
    }
}
