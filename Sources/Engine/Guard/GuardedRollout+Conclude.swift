// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout

/// What follows from the evidence: orders, alarms, and what is shown and stored of it.
extension GuardedRollout {
    /// What is to be done about the rollout now; nil for nothing.
    ///
    /// - Parameter isDrifting: whether a drift alarm of the scorer is on, under which nothing rises by itself.
    func order(at now: MonotonicTime, isDrifting: Bool = false) -> GuardOrder? {
        func order(_ verb: Verb, _ reason: String, isDeadline: Bool = false) -> GuardOrder {
            GuardOrder(
                rollout: id, mode: mode, scorer: scorer, verb: verb, reason: reason,
                model: rollout.candidate.model, logEvidence: evidence.logEvidence,
                isViolation: evidence.counts.violation != nil, isDeadline: isDeadline,
                causes: alarmCauses)
        }
        if let conviction { return order(.rollBack, conviction) }
        guard rollout.phase.givesWeight, brake.flags.isEmpty else { return nil }
        if let defect {
            return rollout.weight == .none ? nil : order(.setWeight(.none), "no weight: \(defect)")
        }
        guard rollout.phase == .canary else { return nil }
        if evidence.verdict == .pause {
            return order(
                .pause, "sample-ratio mismatch: entities are not split as the weight says")
        }
        switch advance(at: now, isDrifting) {
        case .advance(let share):
            return order(.promote(isFull: false), "the step is passed: on to \(share * 100)%")
        case .complete: return order(.promote(isFull: true), "all steps are passed")
        case .pause(let reasons):
            return order(
                .pause, "deadline: not through, held by \(reasons.names.joined(separator: ", "))",
                isDeadline: true)
        case .hold, nil: return nil
        }
    }

    /// Why the model on trial goes; nil as long as it may stay.
    var conviction: String? {
        guard evidence.verdict.isRollback else { return nil }
        return evidence.rollbackReason(mode, causes.all, sloMicroseconds: policy.sloMicroseconds)
    }

    /// What is to be told when the evidence begins to forbid more weight; nil if it was told.
    func freeze() -> GuardAlarm? {
        guard evidence.verdict == .freeze else {
            // Told again only after all that spoke against it was lost: evidence goes up and down around the
            // mark for as long as a canary is a little worse than it may be.
            if isFreezeTold && evidence.logEvidence <= 0 { isFreezeTold = false }
            return nil
        }
        guard !isFreezeTold else { return nil }
        isFreezeTold = true
        return GuardAlarm(
            kind: .frozen, scorer: scorer, rollout: id, model: rollout.candidate.model,
            reason: evidence.suspicion(mode, causes.all, sloMicroseconds: policy.sloMicroseconds)
                + (mode == .aftercare
                    ? "; it may have to be undone (kassa rollout undo)"
                    : "; the weight may not rise"),
            logEvidence: evidence.logEvidence, causes: alarmCauses)
    }

    /// What was the matter with the model on trial by the evidence that speaks loudest, as numbers.
    private var alarmCauses: [GuardAlarm.Cause] {
        guard evidence.counts.violation == nil else { return [] }
        let event = evidence.leadingComponent.name
        let own = causes.all.filter { $0.event == event && $0.candidate }
        if event == EvidenceComponent.sloMisses.name {
            guard !own.isEmpty else { return [] }
            return [
                .init(name: "slo_us", number: Double(policy.sloMicroseconds)),
                .init(
                    name: "typical_us", number: Double(CauseWords.typicalMicroseconds(own))),
            ]
        }
        return own.prefix(GuardAlarm.causesMax).map {
            .init(
                name: $0.error.isEmpty ? "\($0.status.name) \($0.feature)" : $0.error,
                number: Double($0.entities))
        }
    }

    /// What the steps say; nil if only people take them.
    private func advance(at now: MonotonicTime, _ isDrifting: Bool) -> AdvanceDecision? {
        guard rollout.phase == .canary, let rule = policy.advanceRule(of: rollout),
            let step = rule.steps.firstIndex(where: { $0.share == rollout.weight.percent / 100 })
        else { return nil }
        return rule.decision(
            evidence, step: step, stepAgeMilliseconds: stepAgeMilliseconds(now),
            deadlineAgeMilliseconds: deadlineAgeMilliseconds(now), isDriftAlarmOn: isDrifting)
    }

    /// Everything, for people.
    func status(at now: MonotonicTime, isDrifting: Bool = false) -> KassaV1.GuardStatus {
        var status = KassaV1.GuardStatus(evidence)
        switch advance(at: now, isDrifting) {
        case .hold(let reasons), .pause(let reasons): status.holds = reasons.names
        case .advance, .complete, nil: break
        }
        if let defect { status.holds.append(defect) }
        status.mode = mode.name
        status.policy = policy
        status.samples = samples.filter { !$0.entities.isEmpty }
        status.causes = causes.all
        status.ageMs = ageMilliseconds(now)
        status.stepAgeMs = stepAgeMilliseconds(now)
        status.deadlineAgeMs = deadlineAgeMilliseconds(now)
        return status
    }

    /// What is to be stored.
    func stored(at now: MonotonicTime) -> KassaStorageV1.StoredEvidence {
        KassaStorageV1.StoredEvidence(
            rolloutId: id, evidence: evidence.encoded(),
            samples: samples.filter { !$0.entities.isEmpty }, ageMs: ageMilliseconds(now),
            stepAgeMs: stepAgeMilliseconds(now), mode: UInt32(mode.rawValue),
            deadlineAgeMs: deadlineAgeMilliseconds(now), isHeld: rollout.phase != .canary,
            causes: causes.all)
    }
}
