// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import Rollout
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
        var drift = driftGuard.drift(of: spec.name)
        let slots = base.slots(of: spec.name)
        let accepted = drift?.accept(slots, wall: now.microseconds).features ?? []
        guard let hours = drift?.hours, !accepted.isEmpty else {
            throw EngineError(
                .failedPrecondition, "scorer: it has had no drift alarm since yesterday")
        }
        try commit(
            KassaStorageV1.AuditRecord(
                atUs: now.microseconds, actor: call.actor, action: "drift accept",
                reason: call.reason, epoch: base.epoch,
                details: ["scorer \(spec.name)"] + accepted),
            epoch: base.epoch,
            puts: [
                Put(
                    table: tables.rollouts, key: RolloutKey.hours(spec.name),
                    value: KassaStorageV1.StoredHours(spec.name, hours).encodedBytes())
            ])
        // Anew, because a window may have ended meanwhile.
        if let order = driftGuard.accept(spec.name, slots, wall: now.microseconds) { tell(order) }
        return KassaV1.AcceptDriftResponse(
            features: accepted,
            report: try driftReport(KassaV1.DriftRequest(scorer: spec.name)))
    }
}

extension Configuration {
    /// The models in a scorer's slots, STABLE first.
    func slots(of scorer: String) -> [Scorer] {
        scorers.filter { $0.spec.name == scorer }
    }
}
