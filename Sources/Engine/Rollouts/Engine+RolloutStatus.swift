// SPDX-License-Identifier: Apache-2.0

package import API
internal import Rollout
internal import Store
internal import Synchronization
internal import Wire

/// What is told about slots as they are now.
extension Engine {
    /// How a scorer's slots are now.
    package func rolloutStatus(
        _ request: KassaV1.RolloutStatusRequest
    ) throws(EngineError) -> KassaV1.RolloutStatus {
        let base = published.current
        guard let spec = base.scorerSpec(request.scorer) else {
            throw EngineError(.notFound, "scorer: there is none of that name")
        }
        return status(of: spec, in: base)
    }

    func status(
        of spec: KassaV1.ScorerSpec, in base: Configuration
    ) -> KassaV1.RolloutStatus {
        let entry = base.rollout(of: spec)
        let slots = entry.slots
        func state(_ slot: KassaV1.Slot, _ bundle: Bundle?) -> [KassaV1.SlotState] {
            guard let bundle else { return [] }
            return [
                KassaV1.SlotState(slot: slot, model: bundle.model, bundleSha256: bundle.digest)
            ]
        }
        let rollout = slots.rollout.map { rollout in
            KassaV1.Rollout(
                id: rollout.id, phase: KassaV1.RolloutPhase(rollout.phase),
                weightPercent: rollout.weight.percent, stepPercents: rollout.steps.map(\.percent),
                candidate: KassaV1.SlotState(
                    model: rollout.candidate.model, bundleSha256: rollout.candidate.digest),
                baseline: rollout.baseline.model, salt: rollout.salt,
                startedAtUs: entry.startedAtMicroseconds,
                changedAtUs: entry.changedAtMicroseconds)
        }
        let (end, isTooLate) = entry.previousSinceMicroseconds.addingReportingOverflow(
            Int64(RolloutLimits.previousSeconds) * 1_000_000)
        let until = isTooLate ? .max : end
        let watched = entry.watched(for: spec).flatMap {
            guards.status(of: $0.rollout.id, isDrifting: driftGuard.isFrozen(spec.name))
        }
        return KassaV1.RolloutStatus(
            scorer: spec.name, revision: slots.revision, epoch: base.epoch,
            slots: state(.stable, slots.stable) + state(.canary, slots.canary)
                + state(.shadow, slots.shadow) + state(.previous, slots.previous),
            rollout: rollout, previousUntilUs: slots.previous == nil ? 0 : until,
            unrecorded: pendingRecords.withLock { records in
                records.contains { $0.scorers.contains(spec.name) }
            }, guard: watched)
    }
}
