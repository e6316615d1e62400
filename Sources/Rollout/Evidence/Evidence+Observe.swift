// SPDX-License-Identifier: Apache-2.0

extension Evidence {
    /// The roles in which an entity is remembered.
    private enum Role {
        static var arrival: UInt64 { 0 }
        static var pair: UInt64 { 1 }
        static func step(_ number: UInt64) -> UInt64 { 16 + number }
        static func badEvent(_ event: BadEvent) -> UInt64 { UInt64(event.rawValue) }
    }

    /// Weighs one scored request, and the verdict after it.
    ///
    /// - Parameters:
    ///   - entity: the hash of the routing key, well mixed: equal for all requests of an entity.
    ///   - arm: the model that the entity's hash chose, also if the other one had to answer in its place.
    /// - Complexity: O(1), without allocation.
    @discardableResult
    package mutating func observe(
        request entity: UInt64, arm: Arm, outcome: RequestOutcome
    ) -> EvidenceVerdict {
        counted = []
        guard !isFinal else { return verdict }
        if arm == .canary { step.canaryRequests &+= 1 }
        let isNewInStep = seenEntities.insert(entity, role: Role.step(step.number))
        if isNewInStep { step.entities[arm] &+= 1 }
        if isNewInStep && seenEntities.insert(entity, role: Role.arrival) { weighArrival(arm) }
        outcome.forEach { event in
            // Repeated or not: what speaks for raising the share takes every bad event as one.
            if arm == .canary { step.canaryBadEvents[event.rawValue] &+= 1 }
            weigh(event, of: entity, EventSide(arm))
        }
        return verdict
    }

    /// Weighs one request that both models had, and the verdict after it.
    ///
    /// The share must be 0.5: of two models that are equally good, either is as likely to have an event that the other
    /// has not. What both have is weighed too, as a part of either's rate (``RelativeRisk``).
    ///
    /// - Complexity: O(1), without allocation.
    @discardableResult
    package mutating func observe(
        shadowed entity: UInt64, stable: RequestOutcome, canary: RequestOutcome
    ) -> EvidenceVerdict {
        precondition(counts.shares[shareIndex].share == 0.5, "a shadow's share is 0.5")
        guard countTraffic(of: entity, canary) else { return verdict }
        stable.union(canary).forEach { event in
            let event = (event, RequestOutcome(event))
            weigh(
                event.0, of: entity,
                !canary.contains(event.1) ? .stable : stable.contains(event.1) ? .both : .canary)
        }
        return verdict
    }

    /// Counts a request as the canary's traffic that the stable model did not have: it says nothing of a
    /// difference.
    ///
    /// - Complexity: O(1), without allocation.
    @discardableResult
    package mutating func observe(
        unshadowed entity: UInt64, canary: RequestOutcome
    ) -> EvidenceVerdict {
        _ = countTraffic(of: entity, canary)
        return verdict
    }

    /// Counts a request of the canary that both models may have had; whether it is to be weighed.
    private mutating func countTraffic(of entity: UInt64, _ canary: RequestOutcome) -> Bool {
        counted = []
        guard !isFinal else { return false }
        step.canaryRequests &+= 1
        if seenEntities.insert(entity, role: Role.step(step.number)) {
            step.entities.stable &+= 1
            step.entities.canary &+= 1
        }
        canary.forEach { step.canaryBadEvents[$0.rawValue] &+= 1 }
        return true
    }

    /// Weighs one request that both models scored, and the verdict after it.
    ///
    /// - Parameter decisionsDiffer: whether the two scores lie on different sides of the scorer's threshold.
    /// - Complexity: O(1), without allocation.
    @discardableResult
    package mutating func observe(
        pair entity: UInt64, decisionsDiffer: Bool
    ) -> EvidenceVerdict {
        countedPair = !isFinal && seenEntities.insert(entity, role: Role.pair)
        guard countedPair else { return verdict }
        counts.pairs &+= 1
        if decisionsDiffer { counts.differingPairs &+= 1 }
        weighed.flips.add(bets.flips.step(differs: decisionsDiffer))
        judge()
        return verdict
    }

    /// Weighs one outcome that has become known at the label's maturity, and the verdict after it.
    ///
    /// Every label of a request that both models scored counts, whichever of them answered.
    ///
    /// - Parameters:
    ///   - outcome: whether what the models predict the probability of has happened.
    ///   - canary: the canary's probability, 0 to 1; the label is refused and counted otherwise.
    ///   - stable: the stable model's probability.
    /// - Complexity: O(1), without allocation.
    @discardableResult
    package mutating func observe(
        label entity: UInt64, outcome: Bool, canary: Double, stable: Double
    ) -> EvidenceVerdict {
        guard !isFinal else { return verdict }
        guard canary >= 0 && canary <= 1 && stable >= 0 && stable <= 1 else {
            counts.refusedLabels &+= 1
            return verdict
        }
        guard seenLabels.insert(entity) else { return verdict }
        counts.labels &+= 1
        let target = outcome ? 1.0 : 0.0
        weighed.brier.add(bets.brier.step(outcome: target, canary: canary, stable: stable))
        weighed.absolute.add(bets.calibration.step(target: target, probability: canary))
        weighed.relative.add(bets.calibration.step(target: stable, probability: canary))
        counts.labelSums = weighed.labelSums
        judge()
        return verdict
    }

    /// Takes a breach of the contract, which rolls back at once.
    @discardableResult
    package mutating func observe(violation: ContractViolation) -> EvidenceVerdict {
        guard !isFinal else { return verdict }
        counts.violation = violation
        judge()
        return verdict
    }

    private var isFinal: Bool {
        if case .rollback = verdict { return true }
        return false
    }

    private mutating func weigh(_ event: BadEvent, of entity: UInt64, _ side: EventSide) {
        guard !isFinal else { return }
        let isFirst = seenEvents.insert(entity, role: Role.badEvent(event))
        let isFirstLater = seenLater[event.rawValue].insert(entity)
        guard isFirst || isFirstLater else { return }
        let step = bets.risk[shareIndex][side]
        if isFirst {
            counts.shares[shareIndex][event].add(side)
            counted.insert(RequestOutcome(event))
            weighed[event].first.add(step)
        }
        if isFirstLater {
            later.add(event, side, share: shareIndex)
            if weighed[event].addLater(step) { seenLater[event.rawValue].forgetAll() }
        }
        judge()
    }

    private mutating func weighArrival(_ arm: Arm) {
        counts.shares[shareIndex].entities[arm] &+= 1
        weighed.sampleRatio.add(bets.sampleRatio[shareIndex][arm])
        guard weighed.sampleRatio.largest(RelativeRisk.tiltLanes) >= suspicion,
            !sampleRatioAlarm,
            weighed.sampleRatio.logMean(RelativeRisk.tiltLanes)
                >= Logarithm.natural(rule.sampleRatioAlarmAt)
        else { return }
        sampleRatioAlarm = true
        for share in counts.shares { splitAtAlarm.append(share.entities) }
        judge()
    }

    /// Draws the verdict; exactly only where the bound leaves it open.
    @inline(__always)
    private mutating func judge() {
        if weighed.bound < caution && !sampleRatioAlarm && counts.violation == nil {
            verdict = .within
        } else {
            verdict = EvidenceVerdict(
                rule: rule, merged: logEvidence, violation: counts.violation,
                sampleRatioAlarm: sampleRatioAlarm)
        }
    }
}

extension EvidenceVerdict {
    /// The rule itself: a breach, then the evidence, then the split, then caution.
    init(
        rule: EvidenceRule, merged: Double, violation: ContractViolation?, sampleRatioAlarm: Bool
    ) {
        if let violation {
            self = .rollback(.violation(violation))
        } else if merged >= -Logarithm.natural(rule.alpha) {
            self = .rollback(.evidence)
        } else if sampleRatioAlarm {
            self = .pause
        } else {
            self = merged >= Logarithm.natural(rule.freezeAt) ? .freeze : .within
        }
    }
}
