// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout

extension KassaV1.RolloutPhase {
    /// The API's word for a phase; unspecified for none.
    init(_ phase: RolloutPhase?) {
        self.init(rawValue: Int32(phase?.rawValue ?? 0))
    }
}

extension SlotTransition {
    /// The transition as it is recorded and shown.
    func record(
        _ call: VerbCall, epoch: UInt64, at now: Timestamp
    ) -> KassaV1.RolloutTransition {
        let rollout = after.slots.rollout
        // An undo may be of a promotion behind which others have begun and ended.
        let earlier = [before.slots.rollout, before.slots.promotion].lazy.compactMap(\.self)
            .first { $0.id == rollout?.id }
        return KassaV1.RolloutTransition(
            scorer: spec.name, revision: after.slots.revision, rolloutId: rollout?.id ?? 0,
            atUs: now.microseconds, actor: call.actor, reason: reason ?? call.reason,
            verb: verb.name,
            phaseBefore: KassaV1.RolloutPhase(earlier?.phase),
            phase: KassaV1.RolloutPhase(rollout?.phase),
            weightPercentBefore: earlier?.weight.percent ?? 0,
            weightPercent: rollout?.weight.percent ?? 0, stable: after.slots.stable.model,
            candidate: rollout?.candidate.model ?? "",
            candidateSha256: rollout?.candidate.digest ?? [],
            stepPercents: rollout?.steps.map(\.percent) ?? [], epoch: epoch,
            salt: rollout?.salt ?? "", stableSha256: after.slots.stable.digest)
    }
}

extension KassaV1.RolloutTransition {
    /// The transition in one line of the audit log.
    var line: String {
        let from = phaseBefore.rawValue == 0 ? "begins as " : "\(phaseBefore.word) > "
        let share = Weight(percent: weightPercent).map { $0 > .none ? " at \($0)" : "" } ?? ""
        return
            "scorer \(scorer): rollout \(rolloutId) of \(candidate): \(from)\(phase.word)\(share)"
            + ", STABLE \(stable)"
    }
}

extension KassaV1.RolloutPhase {
    /// "ROLLED_BACK".
    package var word: String {
        UInt8(exactly: rawValue).flatMap(RolloutPhase.init(rawValue:))?.name ?? "\(rawValue)"
    }
}
