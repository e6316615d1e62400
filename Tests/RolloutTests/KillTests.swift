// SPDX-License-Identifier: Apache-2.0

import Base
import Rollout
import Testing

/// A canary that is just within its tolerance, in a process that is killed over and over: at each start it goes on
/// with what was stored in the life before, and all entities come again.
struct `Evidence that outlives kills` {
    private static let alpha = 0.05
    private static let runs: UInt64 = 200

    /// How many of the runs end in a rollback, though no canary is worse than tolerated.
    ///
    /// - Parameter isOfOneMoment: whether who has spoken is stored with what is weighed, or once at the start.
    private func rollbacks(isOfOneMoment: Bool) throws -> UInt64 {
        var rule = EvidenceRule()
        rule.alpha = Self.alpha
        rule.freezeAt = 1 / Self.alpha
        var bytes = FilterBytes()
        (bytes.entities, bytes.events, bytes.labels) = (1 << 14, 64, 64)
        var rolledBack: UInt64 = 0
        for run in 1...Self.runs {
            var generator = SeededGenerator(seed: run)
            let entities = (0..<400).map { _ in
                (id: generator.next(), differs: Double.random(in: 0..<1, using: &generator) < 0.02)
            }
            var evidence = try Evidence(rule: rule, seed: run, share: 0.5, filterBytes: bytes)
            var state = evidence.encoded()
            var filters = evidence.encodedFilters()
            for _ in 0..<12 {
                for (place, entity) in entities.shuffled(using: &generator).enumerated() {
                    evidence.observe(pair: entity.id, decisionsDiffer: entity.differs)
                    if place == 390 {
                        state = evidence.encoded()
                        if isOfOneMoment { filters = evidence.encodedFilters() }
                    }
                    if evidence.verdict.isRollback { break }
                }
                if evidence.verdict.isRollback { break }
                evidence = try Evidence(decoding: state.span, filters: filters.span)
            }
            if evidence.verdict.isRollback { rolledBack += 1 }
        }
        return rolledBack
    }

    @Test func `takes a good canary out as seldom as without them`() throws {
        let count = try rollbacks(isOfOneMoment: true)
        #expect(Double(count) <= Self.alpha * Double(Self.runs), "\(count) of \(Self.runs)")
    }

    /// Why both are stored together.
    @Test func `would not, if it were newer than the memory of who has spoken`() throws {
        let count = try rollbacks(isOfOneMoment: false)
        #expect(Double(count) > Self.alpha * Double(Self.runs), "\(count) of \(Self.runs)")
    }
}
