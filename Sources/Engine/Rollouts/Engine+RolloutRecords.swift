// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout
internal import Store
internal import Synchronization
internal import Wire

/// A change of slots on its way to the store.
struct RolloutRecord: Sendable {
    let audit: KassaStorageV1.AuditRecord
    /// Scorers whose slots it changed, and digests that it put into quarantine.
    let scorers: [String]
    let digests: [[UInt8]]
    /// Rollouts that no guard watches any more, so that nothing of what it knew is kept.
    let ended: [UInt64]
    /// What it leads to, which may be about to come into force.
    let configuration: Configuration

    /// What is to be stored, where `current` is in force.
    func stored(over current: Configuration) -> KassaStorageV1.StoredRetreat {
        let newest = current.epoch > configuration.epoch ? current : configuration
        let specs = scorers.compactMap { newest.scorerSpec($0) }
        return KassaStorageV1.StoredRetreat(
            audit: audit, epoch: newest.epoch,
            slots: specs.map { newest.rollout(of: $0).stored(as: $0.name) },
            scorers: specs.map {
                KassaStorageV1.StoredScorer(spec: $0, epoch: newest.epoch)
            },
            quarantine: digests.compactMap { newest.rollouts.quarantine[$0] },
            endedRollouts: ended)
    }
}

/// How changes of slots come on record.
extension Engine {
    /// Records what is in force and not stored yet, oldest first.
    func recordPending() throws(EngineError) {
        guard hasPendingRecords else { return }
        while let record = pendingRecords.withLock({ $0.first }) {
            try commit(record.stored(over: published.current))
            environment.faults.hit(.rolloutRecorded)
            pendingRecords.withLock { _ = $0.removeFirst() }
        }
        noteRetreats()
    }

    /// Whether changes of slots are in force that are not stored yet.
    var hasPendingRecords: Bool { pendingRecords.withLock { !$0.isEmpty } }

    /// How many of them there are.
    var pendingRecordCount: Int { pendingRecords.withLock { $0.count } }

    /// Stores slots, with the record of how they came to be so, in one durable transaction.
    func commit(_ change: KassaStorageV1.StoredRetreat) throws(EngineError) {
        guard let audit = change.audit else { return }
        var puts: [Put] = []
        for slots in change.slots {
            puts.append(
                Put(
                    table: tables.rollouts, key: RolloutKey.slots(slots.scorer),
                    value: slots.encodedBytes()))
        }
        for scorer in change.scorers {
            puts.append(
                Put(
                    table: tables.resources,
                    key: ResourceKind.key(ResourceKind.scorer, scorer.spec?.name ?? ""),
                    value: scorer.encodedBytes()))
        }
        for entry in change.quarantine {
            puts.append(
                Put(
                    table: tables.rollouts, key: RolloutKey.quarantine(entry.bundleSha256),
                    value: entry.encodedBytes()))
        }
        // A rollout that ended needs no memory of who has spoken; its evidence is in its transition.
        let ended = audit.transitions.filter { $0.rolloutId > 0 && $0.phase.isEnd }.map(\.rolloutId)
        for id in ended + change.endedRollouts {
            for key in [RolloutKey.evidence(ofRollout: id), RolloutKey.filters(ofRollout: id)] {
                puts.append(Put(table: tables.rollouts, key: key, value: nil))
            }
        }
        for transition in audit.transitions where transition.rolloutId > 0 {
            puts.append(
                Put(
                    table: tables.rollouts,
                    key: RolloutKey.scorer(ofRollout: transition.rolloutId),
                    value: Array(transition.scorer.utf8)))
        }
        let indexes = audit.transitions.map {
            RolloutKey.history($0.scorer, revision: $0.revision)
        }
        try commit(audit, epoch: change.epoch, puts: puts, indexes: indexes)
    }
}
