// SPDX-License-Identifier: Apache-2.0

import Base
import Rollout
import Testing

/// A rollout with something of everything in it.
func eventfulRollout(seed: UInt64, events: Int) throws -> Evidence {
    var generator = SeededGenerator(seed: seed)
    var filterBytes = FilterBytes()
    filterBytes.entities = 1 << 12
    filterBytes.events = 1 << 12
    filterBytes.labels = 1 << 12
    var evidence = try Evidence(seed: seed, share: 0.01, filterBytes: filterBytes)
    for index in 0..<events {
        if index == events / 3 { try evidence.beginStep(share: 0.05) }
        if index == events / 2 { try evidence.beginStep(share: 0.3) }
        let entity = generator.next() % 5_000
        let arm: Arm = entity % 20 == 0 ? .canary : .stable
        evidence.observe(
            request: entity, arm: arm,
            outcome: RequestOutcome(rawValue: generator.next() % 9 == 0 ? 0b101 : 0))
        evidence.observe(pair: entity, decisionsDiffer: generator.next() % 60 == 0)
        let stable = Double(generator.next() % 1_000) / 1_000
        evidence.observe(
            label: entity, outcome: generator.next() % 1_000 < UInt64(stable * 1_000),
            canary: min(stable + 0.01, 1), stable: stable)
    }
    return evidence
}

/// Puts the right checksum under a record that was changed.
private func reseal(_ bytes: inout [UInt8]) {
    let sum = CRC32C.checksum(bytes.span.extracting(0..<bytes.count - 4))
    for index in 0..<4 {
        bytes[bytes.count - 4 + index] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * index))
    }
}

struct `A stored record` {
    @Test(arguments: [0, 1, 2, 100, 3_000])
    func `comes back bit for bit and goes on as if nothing had been`(events: Int) throws {
        var evidence = try eventfulRollout(seed: 3, events: events)
        let bytes = evidence.encoded()
        let filters = evidence.encodedFilters()
        var decoded = try Evidence(decoding: bytes.span, filters: filters.span)
        #expect(decoded == evidence)
        #expect(decoded.encoded() == bytes)
        #expect(decoded.encodedFilters() == filters)
        #expect(decoded.logEvidence.bitPattern == evidence.logEvidence.bitPattern)
        for entity in 0..<200 as Range<UInt64> {
            let arm: Arm = entity % 2 == 0 ? .canary : .stable
            let verdict = evidence.observe(request: entity, arm: arm, outcome: .error)
            #expect(decoded.observe(request: entity, arm: arm, outcome: .error) == verdict)
        }
        #expect(decoded == evidence)
    }

    @Test func `is explained from its counts and agrees, until a count is another`() throws {
        var evidence = try eventfulRollout(seed: 5, events: 2_000)
        var entity: UInt64 = 1 << 40
        while evidence.verdict != .rollback(.evidence) {
            entity += 1
            evidence.observe(request: entity, arm: .canary, outcome: .sloMiss)
        }
        let bytes = evidence.encoded()
        let explanation = try EvidenceExplanation(of: bytes.span)
        #expect(explanation.agrees)
        #expect(explanation.verdict == .rollback(.evidence))
        #expect(explanation.logEvidence >= explanation.logThreshold)
        #expect(explanation.counts == evidence.counts)
        #expect(explanation.parts.map(\.component) == EvidenceComponent.allCases)
        // 6 bytes of header, 13 numbers of the rule, the seed, 4 sizes, the number of shares, the first
        // share, its entities: then come the errors on its stable arm.
        let errors = 6 + 13 * 8 + 8 + 16 + 1 + 8 + 16
        var forged = bytes
        forged[errors] ^= 1
        reseal(&forged)
        #expect(try !EvidenceExplanation(of: forged.span).agrees)
    }

    @Test func `counts the same in whatever order things were observed`() throws {
        let forward = (0..<400 as Range<UInt64>).map { $0 }
        func rollout(_ entities: [UInt64]) throws -> Evidence {
            var evidence = try Evidence(seed: 9, share: 1 / 15.0)
            for entity in entities {
                evidence.observe(
                    request: entity, arm: entity % 15 == 0 ? .canary : .stable,
                    outcome: entity % 4 == 0 ? .error : [])
                evidence.observe(
                    label: entity, outcome: entity % 7 == 0,
                    canary: 0.1 + Double(entity) / 8_000, stable: 0.12)
            }
            #expect(evidence.verdict == .within)
            return evidence
        }
        #expect(try rollout(forward).counts == rollout(forward.reversed()).counts)
    }

    @Test func `with any bit flipped or cut anywhere is refused`() throws {
        let bytes = try eventfulRollout(seed: 1, events: 50).encoded()
        for bit in 0..<bytes.count * 8 {
            var broken = bytes
            broken[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: EvidenceError.self) { try Evidence(decoding: broken.span) }
        }
        for count in 0..<bytes.count {
            let cut = Array(bytes[..<count])
            #expect(throws: EvidenceError.self) { try Evidence(decoding: cut.span) }
        }
    }

    @Test func `with any byte changed under a right checksum never traps`() throws {
        let bytes = try eventfulRollout(seed: 1, events: 50).encoded()
        for index in 0..<bytes.count - 4 {
            for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
                var forged = bytes
                forged[index] = value
                reseal(&forged)
                guard var evidence = try? Evidence(decoding: forged.span) else { continue }
                evidence.observe(request: 1, arm: .canary, outcome: .error)
                evidence.observe(label: 1, outcome: true, canary: 0.5, stable: 0.5)
                evidence.observe(pair: 1, decisionsDiffer: true)
                _ = try? evidence.beginStep(share: 0.4)
                _ = evidence.logEvidence
            }
        }
    }

    @Test func `of another version is named`() throws {
        var bytes = try eventfulRollout(seed: 1, events: 1).encoded()
        bytes[4] = 9
        reseal(&bytes)
        #expect(throws: EvidenceError.unknownVersion(9)) { try Evidence(decoding: bytes.span) }
    }

    /// An empty record as the first or second version had it, but for its conclusion.
    private func oldRecord(version: UInt8) throws -> [UInt8] {
        var bytes = try Evidence(seed: 4, share: 0.05).encoded()
        // From the end: a verdict and seven logarithms stand before the checksum; before them the starts of ten
        // tests, of which version 2 had the first seven and version 1 none; before them the number of counts
        // at an alarm. From the start: the fourth filter's size, three counts of what both models had in the only
        // share, and nine of the later bets, which are all zero.
        let conclusion = bytes.count - 4 - 1 - 7 * 8
        bytes.removeSubrange(conclusion - (version == 1 ? 10 : 3) * 3 * 64..<conclusion)
        if version == 1 {
            let end = bytes.count - 4
            bytes.replaceSubrange(end - 56..<end, with: repeatElement(0, count: 56))
        }
        let starts = bytes.count - 4 - 57 - (version == 1 ? 0 : 7 * 3 * 64)
        bytes.remove(at: starts - 1)
        let sizes = 6 + 13 * 8 + 8
        let events = sizes + 16 + 1 + 8 + 16
        let labelSums = events + 3 * 24 + 4 * 8 + 1 + 3 * 64
        bytes.removeSubrange(labelSums..<labelSums + 3 * 24)
        for event in (0..<3).reversed() {
            bytes.removeSubrange(events + event * 24 + 16..<events + event * 24 + 24)
        }
        bytes.removeSubrange(sizes + 12..<sizes + 16)
        bytes[4] = version
        reseal(&bytes)
        return bytes
    }

    @Test func `of the second version is read, explained and gone on with as such`() throws {
        var bytes = try oldRecord(version: 2)
        // There all bets on a kind of event could begin anew: with what the first version of the starts was.
        let starts = bytes.count - 4 - 57 - 7 * 3 * 64
        for place in 0..<3 {
            for lane in 0..<8 {
                let next = starts + place * 192 + 64 + lane * 8
                bytes.replaceSubrange(next..<next + 8, with: [0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])
            }
        }
        reseal(&bytes)
        let explanation = try EvidenceExplanation(of: bytes.span)
        #expect(explanation.agrees)
        #expect(explanation.ruleVersion == 2)
        var evidence = try Evidence(decoding: bytes.span)
        for entity in 0..<1_000 as Range<UInt64> {
            evidence.observe(request: entity, arm: .stable, outcome: .error)
        }
        // Those bets did begin anew, and no others.
        #expect(evidence.logEvidence(of: .errors) > -20)
        let next = evidence.encoded()
        #expect(try EvidenceExplanation(of: next.span).agrees)
        #expect(try Evidence(decoding: next.span).encoded() == next)
    }

    @Test func `of the first version is read, explained and gone on with as such`() throws {
        let bytes = try oldRecord(version: 1)
        let explanation = try EvidenceExplanation(of: bytes.span)
        #expect(explanation.agrees)
        #expect(explanation.ruleVersion == 1)
        #expect(explanation.logEvidence == 0)
        var evidence = try Evidence(decoding: bytes.span)
        for entity in 0..<1_000 as Range<UInt64> {
            evidence.observe(request: entity, arm: .stable, outcome: .error)
        }
        // A thousand times ln(0.802) for a risk of 5, and nothing begun meanwhile.
        #expect(evidence.logEvidence(of: .errors) < -50)
        let next = evidence.encoded()
        #expect(try EvidenceExplanation(of: next.span).agrees)
    }

    @Test func `takes no other rollout's filters`() throws {
        let evidence = try eventfulRollout(seed: 1, events: 10)
        let other = try eventfulRollout(seed: 2, events: 10)
        let bytes = evidence.encoded()
        let filters = other.encodedFilters()
        #expect(throws: EvidenceError.corrupt) {
            try Evidence(decoding: bytes.span, filters: filters.span)
        }
    }
}
