// SPDX-License-Identifier: Apache-2.0

extension Evidence {
    static let recordMagic: UInt32 = 0x4445_564B
    static let filtersMagic: UInt32 = 0x4946_564B

    /// The evidence as bytes, without the filters: what a transition stores and `explain` reads.
    ///
    /// Three kilobytes and 184 bytes for every share. Decoding gives the same value back, bit for bit.
    package func encoded() -> [UInt8] {
        var writer = RecordWriter(magic: Self.recordMagic, version: EvidenceRule.version)
        writer.put(rule)
        writer.put(seed)
        for filter in [seenEntities, seenEvents, seenLabels, seenLater[0]] {
            writer.put(UInt32(filter.words.count * 8))
        }
        writer.put(counts)
        writer.put(later)
        writer.put(UInt8(shareIndex))
        writer.put(step)
        writer.put(UInt8(sampleRatioAlarm ? 1 : 0))
        writer.put(UInt8(splitAtAlarm.count))
        for arms in splitAtAlarm { writer.put(arms) }
        for mixture in WeighedEvidence.mixtures { writer.put(weighed[keyPath: mixture].onsets) }
        // What was concluded at the time, for `explain` to compare with.
        writer.put(verdict.code)
        writer.put(logEvidence)
        for component in EvidenceComponent.allCases { writer.put(logEvidence(of: component)) }
        return writer.finish()
    }

    /// The filters as bytes: 1.7 MiB by default.
    package func encodedFilters() -> [UInt8] {
        var writer = RecordWriter(magic: Self.filtersMagic, version: EvidenceRule.version)
        writer.put(seed)
        for filter in [seenEntities, seenEvents, seenLabels] + seenLater {
            writer.put(filter.words)
        }
        return writer.finish()
    }

    /// The evidence that was stored.
    ///
    /// - Parameter filters: what ``encodedFilters()`` gave of the same value. With an earlier one entities that
    ///   spoke in between would count twice, and the bound on false alarms would not hold; without filters all
    ///   of them would, so that belongs to a record that is only looked at.
    package init(
        decoding bytes: Span<UInt8>, filters: Span<UInt8>? = nil
    ) throws(EvidenceError) {
        let record = try EvidenceRecord(bytes)
        self = record.evidence
        if let filters { try restoreFilters(filters) }
    }

    private mutating func restoreFilters(_ bytes: Span<UInt8>) throws(EvidenceError) {
        var reader = try RecordReader(
            bytes, magic: Self.filtersMagic, versions: 1...EvidenceRule.version)
        guard try reader.integer(UInt64.self) == seed else { throw .corrupt }
        let entities = try reader.words(count: seenEntities.words.count)
        let events = try reader.words(count: seenEvents.words.count)
        let labels = try reader.words(count: seenLabels.words.count)
        // Before the third version there was nothing that bets which began later had heard.
        var later = seenLater
        if reader.version >= 3 {
            for index in later.indices {
                let words = try reader.words(count: later[index].words.count)
                later[index] = EntityFilter(words: words, seed: seed)
            }
        }
        try reader.finish()
        seenLater = later
        seenEntities = EntityFilter(words: entities, seed: seed)
        seenEvents = EntityFilter(words: events, seed: seed)
        seenLabels = EntityFilter(words: labels, seed: seed)
    }
}

/// A decoded record: the evidence recomputed from its counts, and what had been concluded.
struct EvidenceRecord {
    let ruleVersion: UInt16
    var evidence: Evidence
    let recordedVerdict: EvidenceVerdict
    let recordedMerged: Double
    var recordedComponents: [Double] = []

    init(_ bytes: Span<UInt8>) throws(EvidenceError) {
        var reader = try RecordReader(
            bytes, magic: Evidence.recordMagic, versions: 1...EvidenceRule.version)
        ruleVersion = reader.version
        let rule = try reader.rule()
        let seed: UInt64 = try reader.integer()
        var filterBytes = FilterBytes()
        filterBytes.entities = Int(try reader.integer(UInt32.self))
        filterBytes.events = Int(try reader.integer(UInt32.self))
        filterBytes.labels = Int(try reader.integer(UInt32.self))
        if reader.version >= 3 { filterBytes.later = Int(try reader.integer(UInt32.self)) }
        let counts = try reader.counts()
        let later = try reader.laterCounts(shares: counts.shares.count)
        let shareIndex = Int(try reader.integer(UInt8.self))
        guard shareIndex < counts.shares.count else { throw .corrupt }
        var evidence = try Evidence(
            rule: rule, seed: seed, share: counts.shares[0].share, filterBytes: filterBytes)
        let step = try reader.step()
        evidence.sampleRatioAlarm = try reader.integer(UInt8.self) != 0
        if reader.version >= 3 {
            let shares = Int(try reader.integer(UInt8.self))
            guard shares <= counts.shares.count, evidence.sampleRatioAlarm || shares == 0 else {
                throw .corrupt
            }
            for _ in 0..<shares { evidence.splitAtAlarm.append(try reader.armCounts()) }
        }
        evidence.resume(
            counts, later, try Self.onsets(&reader), shareIndex: shareIndex)
        evidence.step = step
        guard
            let verdict = EvidenceVerdict(
                code: try reader.integer(), violation: counts.violation)
        else { throw .corrupt }
        evidence.verdict = verdict
        recordedVerdict = verdict
        recordedMerged = try reader.double()
        for _ in EvidenceComponent.allCases { recordedComponents.append(try reader.double()) }
        try reader.finish()
        self.evidence = evidence
    }

    /// When bets began, which is a part of records since their second version; since the third, bets on bad
    /// events that begin later are others than those that began with the rollout.
    private static func onsets(_ reader: inout RecordReader) throws(EvidenceError) -> [Onsets] {
        var onsets: [Onsets] = []
        for place in WeighedEvidence.mixtures.indices {
            let isStored =
                reader.version >= 3
                || reader.version == 2 && place < WeighedEvidence.mixturesOfVersion2
            let ofOld: Onsets = place < WeighedEvidence.mixturesOfVersion2 ? .never : .none
            onsets.append(isStored ? try reader.onsets() : ofOld)
        }
        return onsets
    }
}

extension EvidenceVerdict {
    var code: UInt8 {
        switch self {
        case .within: 0
        case .freeze: 1
        case .pause: 2
        case .rollback(.evidence): 3
        case .rollback(.violation): 4
        }
    }

    init?(code: UInt8, violation: ContractViolation?) {
        switch (code, violation) {
        case (0, nil): self = .within
        case (1, nil): self = .freeze
        case (2, nil): self = .pause
        case (3, nil): self = .rollback(.evidence)
        case (4, let violation?): self = .rollback(.violation(violation))
        default: return nil
        }
    }
}
