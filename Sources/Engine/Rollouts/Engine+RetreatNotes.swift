// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout
internal import Store
internal import Synchronization
internal import Wire

/// What is noted beside the store of retreats, so that neither a kill nor a restart, which is what heals a
/// store that latched read-only, brings a bad candidate back.
///
/// First that a brake was pulled (by the keeper, which is woken for it), then the change of slots itself,
/// until it is on record. A change is noted with its revision, a brake with its rollout: what is on record already
/// is not recorded again.
extension Engine {
    /// Writes down what took traffic away and is not on record; a note of nothing takes the file away.
    ///
    /// - Returns: whether it is noted.
    @discardableResult
    func noteRetreats() -> Bool {
        let isNoted = retreatFile.withLock { file in
            // Whoever comes last has seen the newest state.
            let records = pendingRecords.withLock { $0 }
            let current = published.current
            let retreats = KassaStorageV1.StoredRetreats(
                retreats: records.map { $0.stored(over: current) }, brakes: current.pulledBrakes)
            if retreats.retreats.isEmpty && retreats.brakes.isEmpty {
                file.clear()
                return true
            }
            // What the disk does not take is tried again with the next attempt at the store.
            return file.write(retreats.encodedBytes())
        }
        isNoteMissing.store(!isNoted, ordering: .relaxed)
        return isNoted
    }

    /// Makes what is noted outlive a power cut too, if the disk allows it.
    func syncRetreats() {
        noteRetreats()
        // A brake that is pulled while the disk is slow is noted all the same.
        guard let number = retreatFile.withLock({ $0.unsynced }), RetreatFile.sync(in: folder)
        else { return }
        retreatFile.withLock { $0.setSynced(number) }
    }

    /// Notes whose traffic was taken away, when that has changed. On the keeper's thread.
    func noteBrakes() {
        let brakes = published.current.pulledBrakes
        guard brakes != notedBrakes.withLock({ $0 }) else { return }
        guard noteRetreats() else { return }
        notedBrakes.withLock { $0 = brakes }
        if !brakes.isEmpty { environment.faults.hit(.rolloutBraked) }
    }

    /// What a process before this one has noted.
    static func notedRetreats(_ file: inout RetreatFile) -> KassaStorageV1.StoredRetreats {
        let bytes = file.read()
        return (try? KassaStorageV1.StoredRetreats(decoding: bytes.span))
            ?? KassaStorageV1.StoredRetreats()
    }

    /// Those of `noted` that are not on record.
    static func unrecorded(
        _ noted: [KassaStorageV1.StoredRetreat], _ environment: Environment, _ tables: EngineTables
    ) throws(StoreError) -> [KassaStorageV1.StoredRetreat] {
        guard !noted.isEmpty else { return [] }
        return try environment.read { transaction throws(StoreError) in
            var epoch: UInt64 = 0
            let key = epochKey
            if let bytes = try transaction.value(forKey: key.span, in: environment.meta) {
                epoch = readInteger(bytes)
            }
            var left: [KassaStorageV1.StoredRetreat] = []
            for retreat in noted {
                var isRecorded = true
                for transition in retreat.audit?.transitions ?? [] {
                    let key = RolloutKey.history(
                        transition.scorer, revision: transition.revision)
                    if try transaction.value(forKey: key.span, in: tables.rollouts) == nil {
                        isRecorded = false
                    }
                }
                // One that was lifted again made a later epoch.
                for entry in retreat.quarantine where epoch <= retreat.epoch {
                    let key = RolloutKey.quarantine(entry.bundleSha256)
                    if try transaction.value(forKey: key.span, in: tables.rollouts) == nil {
                        isRecorded = false
                    }
                }
                if !isRecorded { left.append(retreat) }
            }
            return left
        }
    }

    /// Goes on where a process before this one ended: `retreats` are in force already and are recorded as
    /// soon as the store takes them; what had lost its traffic loses its slot.
    func resume(
        _ retreats: [KassaStorageV1.StoredRetreat], _ brakes: [KassaStorageV1.StoredBrake]
    ) {
        let configuration = published.current
        pendingRecords.withLock { pending in
            for retreat in retreats {
                guard let audit = retreat.audit else { continue }
                pending.append(
                    RolloutRecord(
                        audit: audit, scorers: retreat.slots.map(\.scorer),
                        digests: retreat.quarantine.map(\.bundleSha256),
                        ended: retreat.endedRollouts, configuration: configuration))
            }
        }
        for brake in brakes {
            for verb in verbs(of: brake) {
                let call = VerbCall(
                    scorer: brake.scorer,
                    expectedRevision: brake.rolloutId == 0 ? brake.revision : nil, actor: "kassa",
                    reason: "its traffic had been taken away when the process before this one ended"
                )
                // Refused only if it makes no sense any more.
                _ = try? carryOut(verb, call, at: .now())
            }
        }
        do throws(EngineError) { try recordPending() } catch { syncRetreats() }
        noteRetreats()
        retreatFile.withLock { $0.keepSpare() }
    }

    /// What carries a noted brake out. Slots that have gone on since, by a change that was on its way to the disk,
    /// are told by the rollout, not by their revision.
    private func verbs(of brake: KassaStorageV1.StoredBrake) -> [Verb] {
        guard let spec = published.current.scorerSpec(brake.scorer) else { return [] }
        let slots = published.current.rollout(of: spec).slots
        let flags = Brake.Flags(rawValue: UInt8(truncatingIfNeeded: brake.flags))
        let id = brake.rolloutId
        if let open = slots.openRollout, id == 0 || id == open.id {
            return flags.contains(.rollBack) ? [.rollBack] : flags.contains(.abort) ? [.abort] : []
        }
        guard slots.previous != nil, id == 0 || id == slots.promotion?.id else { return [] }
        if flags.contains(.rollBack) {
            return slots.openRollout == nil ? [.undo] : [.abort, .undo]
        }
        return flags.contains(.undo) && slots.openRollout == nil ? [.undo] : []
    }
}

extension Configuration {
    /// Whose traffic was taken away by a brake, while their slots are as before.
    var pulledBrakes: [KassaStorageV1.StoredBrake] {
        rollouts.scorers.keys.sorted().flatMap { name -> [KassaStorageV1.StoredBrake] in
            guard let entry = rollouts.scorers[name] else { return [] }
            let slots = entry.slots
            func noted(_ flags: Brake.Flags, _ id: UInt64?) -> KassaStorageV1.StoredBrake {
                KassaStorageV1.StoredBrake(
                    scorer: name, revision: slots.revision, flags: UInt32(flags.rawValue),
                    rolloutId: id ?? 0)
            }
            var brakes: [KassaStorageV1.StoredBrake] = []
            if !entry.brake.flags.isEmpty, slots.openRollout != nil || slots.previous != nil {
                brakes.append(noted(entry.brake.flags, (slots.openRollout ?? slots.promotion)?.id))
            }
            if slots.openRollout != nil, entry.isPromotionConvicted {
                brakes.append(noted(.rollBack, slots.promotion?.id))
            }
            return brakes
        }
    }
}
