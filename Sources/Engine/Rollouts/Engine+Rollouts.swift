// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Crypto
internal import Rollout
internal import Store
internal import Synchronization
internal import Wire

/// Changes of slots: one transaction and one pointer. On the control thread.
///
/// A verb that gives a candidate traffic is recorded durably before it takes effect. A retreat takes
/// effect first, and is recorded as soon as the store takes it: so it works with a full, failed or
/// read-only disk. Until then the status says `unrecorded`.
extension Engine {
    /// Carries `verb` out on one scorer.
    ///
    /// - Parameter policy: what the guard of a rollout that begins is to judge by.
    func carryOut(
        _ verb: Verb, _ call: VerbCall, guard policy: KassaV1.GuardPolicy? = nil, at now: Timestamp
    ) throws(EngineError) -> KassaV1.RolloutResponse {
        let base = published.current
        let (spec, entry, change) = try plan(verb, call, in: base)
        try allow(change, from: entry)
        guard change.isChange else {
            if let policy { try Self.checkRepeated(policy, of: entry, spec) }
            return KassaV1.RolloutResponse(status: status(of: spec, in: base), unchanged: true)
        }
        if !verb.isRetreat {
            try recordPending()
            if !entry.brake.flags.isEmpty || entry.isPromotionConvicted {
                throw EngineError(
                    .failedPrecondition, "scorer: its rollout is being taken back; look again")
            }
        }
        var after = entry.after(change, at: now.microseconds)
        if let policy {
            after.policy = try Self.policy(policy, of: entry, after, spec)
            try checkThreshold(of: after, in: base)
        }
        let transition = SlotTransition(spec: spec, verb: verb, before: entry, after: after)
        let sharers = change.quarantined.map {
            self.sharers(of: $0, with: spec.name, call, in: base, at: now)
        }
        var next = try put(
            [transition], with: sharers, quarantine: change.quarantined, call, over: base, at: now)
        if !verb.isRetreat, next.rollouts.scorers[spec.name]?.isPromotionConvicted == true {
            takeBack(promotionOf: spec.name, at: now)
            next = published.current
        }
        return KassaV1.RolloutResponse(
            status: status(of: next.scorerSpec(spec.name) ?? spec, in: next))
    }

    /// What `verb` would do to a scorer's slots now.
    func plan(
        _ verb: Verb, _ call: VerbCall, in base: Configuration
    ) throws(EngineError) -> (KassaV1.ScorerSpec, ScorerRollout, SlotChange) {
        guard let spec = base.scorerSpec(call.scorer) else {
            throw EngineError(.notFound, "scorer: there is none of that name")
        }
        let entry = base.rollout(of: spec)
        // The epoch that a new rollout makes is nobody else's.
        let id = base.epoch + 1
        do throws(RolloutRefusal) {
            let change = try entry.slots.applying(
                verb, expecting: call.expectedRevision,
                as: RolloutDraw(id: id, salt: "\(spec.name)/\(id)"),
                isQuarantined: base.rollouts.isQuarantined)
            return (spec, entry, change)
        } catch {
            throw EngineError(error)
        }
    }

    /// Puts changed slots in force and on record, in the order that the verb asks for.
    ///
    /// - Parameter details: what else is to be said in the audit log.
    func put(
        _ transitions: [SlotTransition], quarantine digest: [UInt8]?, _ call: VerbCall,
        details: [String] = [], over base: Configuration, at now: Timestamp
    ) throws(EngineError) -> Configuration {
        var book = base.rollouts
        var specs = base.scorerSpecs
        for transition in transitions {
            book.scorers[transition.spec.name] = transition.after
            let stable = transition.after.slots.stable.model
            if let index = specs.firstIndex(where: { $0.name == transition.spec.name }) {
                specs[index].model = stable
            }
        }
        if let digest, book.quarantine[digest] == nil {
            book.quarantine[digest] = KassaStorageV1.StoredQuarantine(
                bundleSha256: digest, atUs: now.microseconds, actor: call.actor,
                reason: call.reason)
        }
        let next = try Configuration(
            epoch: base.epoch + 1, features: base.features, models: base.models,
            modelNumbers: base.modelNumbers, scorerSpecs: specs, places: base.places,
            rollouts: book, reusing: base.scorers)
        let verb = transitions.first?.verb ?? .quarantine(digest ?? [])
        var records = transitions.map { $0.record(call, epoch: next.epoch, at: now) }
        note(transitions, in: &records)
        let record = RolloutRecord(
            audit: KassaStorageV1.AuditRecord(
                atUs: now.microseconds, actor: call.actor, action: "rollout \(verb.name)",
                reason: call.reason, epoch: next.epoch,
                details: records.map(\.line)
                    + (digest.map { ["bundle \(hexadecimal($0)) is in quarantine"] } ?? [])
                    + details,
                transitions: records),
            scorers: transitions.map(\.spec.name), digests: digest.map { [$0] } ?? [],
            ended: transitions.compactMap(\.endedPromotion), configuration: next)
        if verb.isRetreat {
            pendingRecords.withLock { $0.append(record) }
            // The brake has taken the traffic away; a kill must not give it back.
            noteRetreats()
            environment.faults.hit(.rolloutNoted)
            published.publish(next)
            environment.faults.hit(.rolloutPublished)
            // What cannot be recorded now stays pending; the keeper tries again, and so does a restart.
            do throws(EngineError) { try recordPending() } catch { syncRetreats() }
        } else {
            try commit(record.stored(over: next))
            environment.faults.hit(.rolloutRecorded)
            published.publish(next)
            environment.faults.hit(.rolloutPublished)
            // From here on no event is weighed for a rollout that is over, so what decided was in time to be seen.
            guards.follow()
        }
        // The guard sleeps longer while no rollout is open.
        outcomes.wakeUps.signal()
        for transition in records { events.append(transition) }
        return next
    }
}

extension EngineError {
    /// What a refusal of the state machine means to a caller.
    init(_ refusal: RolloutRefusal) {
        let kind: Kind =
            switch refusal {
            case .otherRevision: .aborted
            case .noWeight, .stepsDoNotRise, .tooManySteps: .invalidArgument
            case .noRollout, .openRollout, .wrongPhase, .isStable, .quarantined,
                .quarantinedCandidate, .quarantinedPrevious, .risesWhilePaused, .shadowNeedsFull,
                .nothingToUndo:
                .failedPrecondition
            }
        self.init(kind, refusal.reason)
    }
}
