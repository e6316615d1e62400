// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout

/// Events that are weighed, and the brake that is pulled when they decide.
extension GuardedRollout {
    /// Weighs what a loop has seen; pulls the brake at once if that decides.
    ///
    /// - Complexity: O(1), without allocation but for the first entities on record.
    func observe(_ event: GuardEvent) {
        guard !evidence.verdict.isRollback else { return }
        if let violation = ContractViolation(rawValue: event.violation) {
            sample(Self.violationKind, event.entity)
            evidence.observe(violation: violation)
            changeCount &+= 1
            return decide(at: event.atNanoseconds)
        }
        // Arms are compared under one share: what the one before has left in the rings is dropped,
        // whichever model answered.
        guard event.mode == mode, event.weight == weightMillionths, hasShare else {
            staleCount &+= 1
            return
        }
        eventCount &+= 1
        changeCount &+= 1
        if !mode.comparesRequests {
            let isTrial = event.marks.contains(.isTrial)
            let outcome = isTrial ? event.trial : event.reference
            evidence.observe(
                request: event.entity, arm: isTrial ? .canary : .stable, outcome: outcome)
            if isTrial { sample(evidence.counted, event.entity) }
            countCauses(of: event, outcome, ofTrial: isTrial)
        } else if event.marks.contains(.isCompared) {
            evidence.observe(shadowed: event.entity, stable: event.reference, canary: event.trial)
            sample(event.trial.intersection(evidence.counted), event.entity)
            countCauses(of: event, event.trial, ofTrial: true)
            countCauses(of: event, event.reference, ofTrial: false)
        } else if mode == .whole {
            // Only the canary had it: that counts as its traffic, and says nothing of a difference.
            evidence.observe(unshadowed: event.entity, canary: event.trial)
        }
        if event.marks.contains(.isPair) {
            let differ = event.marks.contains(.decisionsDiffer)
            evidence.observe(pair: event.entity, decisionsDiffer: differ)
            if differ && evidence.countedPair { sample(Self.differingKind, event.entity) }
        }
        decide(at: event.atNanoseconds)
    }

    /// Weighs an outcome that has matured, of a request of this rollout.
    @discardableResult
    func observe(_ label: MaturedLabel, at now: MonotonicTime) -> LabelFate {
        let score = label.score
        guard !evidence.verdict.isRollback else { return .ended }
        guard label.isOnTime else { return .late }
        guard score.stable.isFinite, score.candidate.isFinite else { return .unpaired }
        // The model on trial was in STABLE, if it was compared with PREVIOUS. What it scored before its
        // promotion and is known now speaks of the same two models.
        let isSwapped = score.candidateSlot == UInt8(KassaV1.Slot.previous.rawValue)
        changeCount &+= 1
        evidence.observe(
            label: score.entity, outcome: label.label,
            canary: isSwapped ? score.stable : score.candidate,
            stable: isSwapped ? score.candidate : score.stable)
        decide(at: now.nanoseconds)
        return .weighed
    }

    /// Takes what a loop has decided by itself, if its event was lost or is still on its way.
    func lookAtBrake() {
        guard !evidence.verdict.isRollback, let violation = brake.violation else { return }
        if brake.entity != 0 { sample(Self.violationKind, brake.entity) }
        evidence.observe(violation: violation)
        changeCount &+= 1
        decide(at: brake.pulledAtNanoseconds)
    }

    private func decide(at nanoseconds: UInt64) {
        guard evidence.verdict.isRollback, decidedAtNanoseconds == 0 else { return }
        decidedAtNanoseconds = nanoseconds
        brake.rollBack(for: nil, at: nanoseconds)
    }

    private func sample(_ outcome: RequestOutcome, _ entity: UInt64) {
        guard !outcome.isEmpty else { return }
        if outcome.contains(.error) { sample(BadEvent.error.rawValue, entity) }
        if outcome.contains(.sloMiss) { sample(BadEvent.sloMiss.rawValue, entity) }
        if outcome.contains(.fallback) { sample(BadEvent.fallback.rawValue, entity) }
    }

    private func sample(_ kind: Int, _ entity: UInt64) {
        guard samples[kind].entities.count < GuardLimits.samplesMax,
            !samples[kind].entities.contains(entity)
        else { return }
        samples[kind].entities.append(entity)
    }
}
