// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import Rollout
internal import Synchronization
internal import Wire

extension Engine {
    /// Takes a person's word that a scorer's drift alarms are about something normal. Control work.
    ///
    /// The record and what was learnt are stored together, so that a restart goes on as if nothing had been.
    package func acceptDrift(
        _ request: KassaV1.AcceptDriftRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.AcceptDriftResponse {
        let base = published.current
        guard let spec = base.scorerSpec(request.scorer) else {
            throw EngineError(.notFound, "scorer: there is none of that name")
        }
        let call = try Self.reasoned(request.actor, request.reason)
        guard DriftSettings(spec.drift).tellsHoursApart else {
            throw EngineError(
                .failedPrecondition,
                "scorer: its drift.window is longer than an hour, so that hours are not told apart")
        }
        // No older hours may follow these into the store.
        let accepted = try driftGuard.storing.withLock { _ throws(EngineError) in
            defer { submitHours() }
            return try accept(spec.name, call, over: base, at: now)
        }
        return KassaV1.AcceptDriftResponse(
            features: accepted,
            report: try driftReport(KassaV1.DriftRequest(scorer: spec.name)))
    }

    /// Puts it on record, and in force; what was accepted, "abandonment@2 cart.items".
    private func accept(
        _ scorer: String, _ call: VerbCall, over base: Configuration, at now: Timestamp
    ) throws(EngineError) -> [String] {
        var drift = driftGuard.drift(of: scorer)
        let slots = base.slots(of: scorer)
        let accepted = drift?.accept(slots, wall: now.microseconds).features ?? []
        guard let drift, !accepted.isEmpty else {
            throw EngineError(
                .failedPrecondition, "scorer: it has had no drift alarm since yesterday")
        }
        try commit(
            KassaStorageV1.AuditRecord(
                atUs: now.microseconds, actor: call.actor, action: "drift accept",
                reason: call.reason, epoch: base.epoch,
                details: ["scorer \(scorer)"] + accepted),
            epoch: base.epoch,
            puts: [
                Put(
                    table: tables.rollouts, key: RolloutKey.hours(scorer),
                    value: KassaStorageV1.StoredHours(scorer, drift.hours).encodedBytes()),
                Put(
                    table: tables.rollouts, key: RolloutKey.drift(scorer),
                    value: drift.stored(as: scorer, isDone: true)?.encodedBytes()),
            ])
        // Anew, because a window may have ended meanwhile.
        if let order = driftGuard.accept(scorer, slots, wall: now.microseconds) { tell(order) }
        return accepted
    }
}

extension Configuration {
    /// The models in a scorer's slots, STABLE first.
    func slots(of scorer: String) -> [Scorer] {
        scorers.filter { $0.spec.name == scorer }
    }
}
