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
            sample(4, event.entity)
            evidence.observe(violation: violation)
            return decide(at: event.atNanoseconds)
        }
        // Arms are compared under one share: what the one before has left in the rings is dropped,
        // whichever model answered.
        guard event.weight == weightMillionths, event.marks.contains(.isShadow) == isShadow else {
            staleCount &+= 1
            return
        }
        eventCount &+= 1
        let isCanary = event.marks.contains(.isCanary)
        if !isShadow {
            evidence.observe(
                request: event.entity, arm: isCanary ? .canary : .stable, outcome: event.outcome)
            if isCanary { sample(event.outcome, event.entity) }
        } else if event.marks.contains(.isShadowed) {
            evidence.observe(
                shadowed: event.entity, stable: event.outcome, canary: event.shadowOutcome)
            sample(event.shadowOutcome, event.entity)
        }
        if event.marks.contains(.isPair) {
            let differ = event.marks.contains(.decisionsDiffer)
            evidence.observe(pair: event.entity, decisionsDiffer: differ)
            if differ { sample(3, event.entity) }
        }
        decide(at: event.atNanoseconds)
    }

    /// Weighs an outcome that has matured.
    func observe(_ label: MaturedLabel, at now: MonotonicTime) {
        let score = label.score
        guard label.isOnTime, score.rollout == id, score.stable.isFinite, score.candidate.isFinite
        else { return }
        evidence.observe(
            label: score.entity, outcome: label.label, canary: score.candidate,
            stable: score.stable)
        decide(at: now.nanoseconds)
    }

    /// Takes what a loop has decided by itself, if its event was lost.
    func lookAtBrake() {
        guard !evidence.verdict.isRollback, let violation = brake.violation else { return }
        evidence.observe(violation: violation)
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
