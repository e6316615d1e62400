// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout

/// What was decided while a change of slots was on its way to the disk.
extension Engine {
    /// Takes a promotion back whose model was convicted as the candidate that it was, or behind which a
    /// rollout has begun; that one ends first. On the control thread.
    func takeBack(_ transition: SlotTransition, at now: Timestamp) {
        let model = transition.after.slots.stable.model
        let convicted = transition.after.slots.promotion.flatMap { guards.conviction(of: $0.id) }
        let reason =
            "evidence decided against \(model) while a \(transition.verb.name) was recorded"
            + (convicted.map { "; \($0)" } ?? "")
        let call = VerbCall(
            scorer: transition.spec.name, expectedRevision: nil, actor: "kassa", reason: reason)
        // Both are retreats: they take effect whatever the disk does.
        if transition.after.slots.openRollout != nil { _ = try? carryOut(.abort, call, at: now) }
        guard let response = try? carryOut(.undo, call, at: now), !response.unchanged else {
            return
        }
        tell(
            GuardAlarm(
                kind: transition.before.brake.violation == nil ? .rolledBack : .contractViolation,
                scorer: transition.spec.name, rollout: transition.after.slots.promotion?.id ?? 0,
                model: model, reason: reason, logEvidence: 0))
    }
}
