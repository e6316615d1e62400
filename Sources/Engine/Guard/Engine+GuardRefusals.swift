// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout

/// What guards keep people from doing to slots, and what was fixed when a rollout began.
extension Engine {
    /// Refuses what the evidence forbids, more weight, and weights that it could not judge.
    func allow(_ change: SlotChange, from entry: ScorerRollout) throws(EngineError) {
        guard change.isChange, let rollout = entry.slots.openRollout,
            let next = change.slots.rollout, next.id == rollout.id,
            let standing = guards.standing(of: rollout.id, next: next)
        else { return }
        let isMore =
            next.weight > rollout.weight || (rollout.phase == .shadow && next.phase == .canary)
        let isRise =
            next.phase == .promoted || isMore
            || (standing.verdict == .pause && rollout.phase == .paused && next.phase == .canary)
        if isRise, standing.verdict != .within {
            throw EngineError(
                .failedPrecondition,
                "scorer: the evidence against its candidate forbids more weight "
                    + "(\(standing.verdict.name)); look at the status, or abort")
        }
        guard next.phase.isOpen, next.weight > .none else { return }
        if isMore, let defect = standing.defect {
            throw EngineError(
                .failedPrecondition,
                "scorer: its candidate gets no weight, \(defect); abort the rollout, and begin anew"
            )
        }
        guard standing.hasRoom || standing.defect != nil else {
            throw EngineError(
                .resourceExhausted,
                "weight_percent: a rollout is judged under \(EvidenceLimits.sharesMax) different "
                    + "weights at most (sharesMax), its steps and 0 among them; set one that it has "
                    + "had, promote it, or abort it and begin anew")
        }
    }

    /// The policy of a rollout after a verb that names one.
    static func policy(
        _ asked: KassaV1.GuardPolicy, of entry: ScorerRollout, _ after: ScorerRollout,
        _ spec: KassaV1.ScorerSpec
    ) throws(EngineError) -> KassaV1.GuardPolicy {
        guard let rollout = entry.slots.openRollout, rollout.id == after.slots.rollout?.id else {
            return try asked.checked(for: spec)
        }
        // It was a shadow, and what decides about it was fixed then.
        let fixed = entry.policy.completed(for: spec)
        if let field = asked.differingField(from: fixed, among: { $0.decides }) {
            throw EngineError(
                .failedPrecondition, "guard.\(field): was fixed when the rollout began")
        }
        var merged = asked
        for field in GuardField.all where field.decides { field.take(from: fixed, into: &merged) }
        if merged.sloMicroseconds == 0 { merged.sloMicroseconds = fixed.sloMicroseconds }
        if merged.pairSharePercent == 0 { merged.pairSharePercent = fixed.pairSharePercent }
        if merged.watchSharePercent == nil { merged.watchSharePercent = fixed.watchSharePercent }
        return try merged.checked(for: spec)
    }

    /// Refuses a threshold that no score of the candidate reaches, or that all do: nothing would ever be
    /// decided differently.
    func checkThreshold(
        of entry: ScorerRollout, in base: Configuration
    ) throws(EngineError) {
        guard let name = entry.slots.openRollout?.candidate.model,
            let range = base.model(name)?.output.range
        else { return }
        let threshold = entry.policy.decisionThreshold
        guard threshold > range.lowerBound && threshold <= range.upperBound else {
            throw EngineError(
                .invalidArgument,
                "guard.decision_threshold: scores of the candidate lie from \(range.lowerBound) to "
                    + "\(range.upperBound); it must be above the one and at most the other")
        }
    }

    /// Refuses a repeated verb that asks for another guard than the open rollout has: it would be ignored.
    static func checkRepeated(
        _ asked: KassaV1.GuardPolicy, of entry: ScorerRollout, _ spec: KassaV1.ScorerSpec
    ) throws(EngineError) {
        _ = try asked.checked(for: spec)
        let fixed = entry.policy.completed(for: spec)
        guard let field = asked.differingField(from: fixed, among: { _ in true }) else { return }
        throw EngineError(
            .failedPrecondition,
            "guard.\(field): is another one for rollout \(entry.slots.rollout?.id ?? 0), whose guard "
                + "stays as it is; abort it and begin anew, or leave the field out")
    }
}
