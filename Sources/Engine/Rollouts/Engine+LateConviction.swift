// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout
internal import Store

/// What was decided while a change of slots was on its way to the disk.
///
/// The brake of a rollout stays with it through its promotion, and is noted by the number of the rollout: so
/// neither what is published behind a verdict nor a kill in between makes it forgotten.
extension Engine {
    /// The scorers whose promotion is to be taken back though no guard watches it: a loop that had not heard of the
    /// change has convicted its model.
    var convictedPromotions: [String] {
        let base = published.current
        return base.scorerSpecs.lazy.filter { spec in
            guard let entry = base.rollouts.scorers[spec.name], entry.isPromotionConvicted else {
                return false
            }
            return entry.watched(for: spec)?.rollout.id != entry.slots.promotion?.id
        }.map(\.name)
    }

    /// Takes a promotion back whose model was convicted as the candidate that it was, or behind which a
    /// rollout has begun; that one ends first. On the control thread.
    func takeBack(promotionOf scorer: String, at now: Timestamp) {
        let base = published.current
        guard let entry = base.rollouts.scorers[scorer], entry.isPromotionConvicted else { return }
        // From here on no kill takes it back.
        noteBrakes()
        environment.faults.hit(.rolloutConvicted)
        let model = entry.slots.stable.model
        let convicted = entry.slots.promotion.flatMap { guards.conviction(of: $0.id) }
        let reason =
            "evidence decided against \(model) while a change of slots was recorded"
            + (convicted.map { "; \($0)" } ?? "")
        let call = VerbCall(
            scorer: scorer, expectedRevision: nil, actor: "kassa", reason: reason)
        // Both are retreats: they take effect whatever the disk does.
        if entry.slots.openRollout != nil { _ = try? carryOut(.abort, call, at: now) }
        guard let response = try? carryOut(.undo, call, at: now), !response.unchanged else {
            return
        }
        tell(
            GuardAlarm(
                kind: entry.promotionBrake.violation == nil ? .rolledBack : .contractViolation,
                scorer: scorer, rollout: entry.slots.promotion?.id ?? 0,
                model: model, reason: reason, logEvidence: 0))
    }
}
