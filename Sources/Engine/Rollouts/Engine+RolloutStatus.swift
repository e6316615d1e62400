// SPDX-License-Identifier: Apache-2.0

package import API
internal import Rollout
internal import Store
internal import Synchronization
internal import Wire

/// What is told about slots: how they are now, and how they came to be so.
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

    /// What was done to a scorer's slots, newest first. Control work.
    package func rolloutHistory(
        _ request: KassaV1.RolloutHistoryRequest
    ) throws(EngineError) -> KassaV1.RolloutHistoryResponse {
        guard request.limit <= UInt32(AuditLimits.recordsMax) else {
            throw EngineError(
                .invalidArgument, "limit: must be at most \(AuditLimits.recordsMax)")
        }
        guard published.current.scorerSpec(request.scorer) != nil else {
            throw EngineError(.notFound, "scorer: there is none of that name")
        }
        let limit = request.limit == 0 ? AuditLimits.recordsByDefault : Int(request.limit)
        let before = request.beforeRevision == 0 ? UInt64.max : request.beforeRevision
        let all = try transitions(of: request.scorer) { $0 < before }
        return KassaV1.RolloutHistoryResponse(transitions: all.suffix(limit).reversed())
    }

    /// One rollout from its records: every recorded verb is carried out again, from the slots that the
    /// rollout began with, and must give what was recorded. Control work: it also recomputes the audit
    /// log's links.
    package func explainRollout(
        _ request: KassaV1.ExplainRolloutRequest
    ) throws(EngineError) -> KassaV1.ExplainRolloutResponse {
        let key = RolloutKey.scorer(ofRollout: request.rolloutId)
        let scorer: String?
        do throws(StoreError) {
            scorer = try environment.read { transaction throws(StoreError) -> String? in
                guard let name = try transaction.value(forKey: key.span, in: tables.rollouts),
                    let text = try? UTF8Span(validating: name)
                else { return nil }
                return String(copying: text)
            }
        } catch {
            throw EngineError(error)
        }
        guard let scorer, request.rolloutId > 0 else {
            throw EngineError(.notFound, "rollout_id: there is no such rollout")
        }
        let records = try transitions(of: scorer) { _ in true }
            .filter { $0.rolloutId == request.rolloutId }
        let disagreement =
            RolloutReplay.disagreement(in: records) ?? EvidenceReplay.disagreement(in: records)
        return KassaV1.ExplainRolloutResponse(
            scorer: scorer, transitions: records, agrees: disagreement == nil,
            disagreement: disagreement ?? "", chainIntact: try auditChain().brokenAt == nil,
            guard: EvidenceReplay.status(in: records))
    }

    /// The recorded transitions of a scorer, oldest first.
    private func transitions(
        of scorer: String, where isWanted: (UInt64) -> Bool
    ) throws(EngineError) -> [KassaV1.RolloutTransition] {
        let prefix = RolloutKey.history(scorer)
        var found: [KassaV1.RolloutTransition] = []
        var isDamaged = false
        do throws(StoreError) {
            try environment.read { transaction throws(StoreError) in
                var sequences: [(revision: UInt64, sequence: UInt64)] = []
                try transaction.scan(tables.rollouts, prefix: prefix.span) { key, value in
                    let revision = Self.sequence(ofKey: key.extracting(droppingFirst: prefix.count))
                    if isWanted(revision) { sequences.append((revision, readInteger(value))) }
                    return true
                }
                for entry in sequences {
                    let key = [UInt8](integerBytes(entry.sequence).reversed())
                    guard let value = try transaction.value(forKey: key.span, in: tables.audit),
                        let record = try? KassaStorageV1.AuditRecord(decoding: value),
                        let transition = record.transitions.first(where: {
                            $0.scorer == scorer && $0.revision == entry.revision
                        })
                    else {
                        isDamaged = true
                        return
                    }
                    found.append(transition)
                }
            }
        } catch {
            throw EngineError(error)
        }
        guard !isDamaged else {
            throw EngineError(.dataLoss, "a record of the scorer's history is missing or damaged")
        }
        return found
    }
}
