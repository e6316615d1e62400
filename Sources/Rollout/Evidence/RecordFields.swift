// SPDX-License-Identifier: Apache-2.0

// The parts of a record, each beside its reader so that the two cannot part.

extension RecordWriter {
    mutating func put(_ rule: EvidenceRule) {
        put(rule.alpha)
        put(rule.freezeAt)
        put(rule.sampleRatioAlarmAt)
        put(rule.tolerances.relativeRiskMax)
        put(rule.tolerances.flipRateMax)
        put(rule.tolerances.brierMargin)
        put(rule.tolerances.calibrationMargin)
        for weight in rule.weights { put(weight) }
    }

    mutating func put(_ counts: EvidenceCounts) {
        put(UInt8(counts.shares.count))
        for share in counts.shares {
            put(share.share)
            put(share.entities)
            for event in BadEvent.allCases { put(share[event]) }
        }
        put(counts.pairs)
        put(counts.differingPairs)
        put(counts.labels)
        put(counts.refusedLabels)
        put(counts.violation?.rawValue ?? 0)
        put(counts.labelSums.brier)
        put(counts.labelSums.absolute)
        put(counts.labelSums.relative)
    }

    mutating func put(_ counts: EventCounts) {
        put(counts.alone)
        put(counts.both)
    }

    mutating func put(_ later: LaterCounts) {
        for share in later.shares {
            for index in share.indices { put(share[index]) }
        }
    }

    mutating func put(_ onsets: Onsets) {
        put(onsets.credits)
        put(onsets.next)
        put(onsets.counts)
    }

    mutating func put(_ step: StepCounts) {
        put(step.number)
        put(step.entities)
        put(step.canaryRequests)
        for count in step.canaryBadEvents { put(count) }
    }
}

extension RecordReader {
    mutating func rule() throws(EvidenceError) -> EvidenceRule {
        var rule = EvidenceRule()
        rule.alpha = try double()
        rule.freezeAt = try double()
        rule.sampleRatioAlarmAt = try double()
        rule.tolerances.relativeRiskMax = try double()
        rule.tolerances.flipRateMax = try double()
        rule.tolerances.brierMargin = try double()
        rule.tolerances.calibrationMargin = try double()
        for index in rule.weights.indices { rule.weights[index] = try double() }
        return rule
    }

    mutating func counts() throws(EvidenceError) -> EvidenceCounts {
        var counts = EvidenceCounts()
        let shareCount = Int(try integer(UInt8.self))
        guard shareCount >= 1 && shareCount <= EvidenceLimits.sharesMax else { throw .corrupt }
        for _ in 0..<shareCount {
            var share = ShareCounts(share: try double())
            guard share.share >= 0 && share.share <= 1 else { throw .corrupt }
            share.entities = try armCounts()
            for event in BadEvent.allCases { share[event] = try eventCounts() }
            counts.shares.append(share)
        }
        counts.pairs = try integer()
        counts.differingPairs = try integer()
        guard counts.differingPairs <= counts.pairs else { throw .corrupt }
        counts.labels = try integer()
        counts.refusedLabels = try integer()
        let violation: UInt8 = try integer()
        counts.violation = ContractViolation(rawValue: violation)
        guard violation == 0 || counts.violation != nil else { throw .corrupt }
        counts.labelSums.brier = try logValues()
        counts.labelSums.absolute = try logValues()
        counts.labelSums.relative = try logValues()
        return counts
    }

    /// Before the third version, events of both models were not counted.
    mutating func eventCounts() throws(EvidenceError) -> EventCounts {
        EventCounts(alone: try armCounts(), both: version >= 3 ? try integer() : 0)
    }

    mutating func laterCounts(shares: Int) throws(EvidenceError) -> LaterCounts {
        var later = LaterCounts()
        for _ in 0..<shares {
            var share = [3 of EventCounts](repeating: EventCounts())
            if version >= 3 {
                for index in share.indices { share[index] = try eventCounts() }
            }
            later.addShare(share)
        }
        return later
    }

    mutating func onsets() throws(EvidenceError) -> Onsets {
        var onsets = Onsets()
        onsets.credits = try lanes(in: LogValues.lowest...(-LogValues.lowest))
        onsets.next = try lanes(in: .min...0)
        onsets.counts = try lanes(in: 0...(1 << 53))
        return onsets
    }

    mutating func step() throws(EvidenceError) -> StepCounts {
        var step = StepCounts()
        step.number = try integer()
        step.entities = try armCounts()
        step.canaryRequests = try integer()
        for index in step.canaryBadEvents.indices { step.canaryBadEvents[index] = try integer() }
        return step
    }
}
