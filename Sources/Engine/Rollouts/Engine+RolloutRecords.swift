// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Files
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
    /// What the guards know of the watched rollouts among them.
    let evidence: [KassaStorageV1.StoredEvidence]
    /// Rollouts whose promotion cannot be undone any more.
    let ended: [UInt64]

    /// What is to be stored of `configuration`, which is in force.
    func stored(of configuration: Configuration) -> KassaStorageV1.StoredRetreat {
        let specs = scorers.compactMap { configuration.scorerSpec($0) }
        return KassaStorageV1.StoredRetreat(
            audit: audit, epoch: configuration.epoch,
            slots: specs.map { configuration.rollout(of: $0).stored(as: $0.name) },
            scorers: specs.map {
                KassaStorageV1.StoredScorer(spec: $0, epoch: configuration.epoch)
            },
            quarantine: digests.compactMap { configuration.rollouts.quarantine[$0] },
            evidence: evidence, endedRollouts: ended)
    }
}

/// How changes of slots come on record.
///
/// A retreat that the store does not take is noted in a file beside it as well, so that a restart, which
/// is what heals a store that latched read-only, does not bring the bad candidate back.
extension Engine {
    /// Records what is in force and not stored yet, oldest first.
    func recordPending() throws(EngineError) {
        guard hasPendingRecords else { return }
        while let record = pendingRecords.withLock({ $0.first }) {
            try commit(record.stored(of: published.current))
            pendingRecords.withLock { _ = $0.removeFirst() }
        }
        notedRetreats.store(0, ordering: .relaxed)
        try? Files.remove(retreatsPath)
    }

    /// Whether changes of slots are in force that are not stored yet.
    var hasPendingRecords: Bool { pendingRecords.withLock { !$0.isEmpty } }

    /// How many of them there are.
    var pendingRecordCount: Int { pendingRecords.withLock { $0.count } }

    /// Notes the retreats that the store did not take, unless all of them are noted already. A disk that
    /// does not take that either is tried again with the next attempt at the store.
    func noteRetreats() {
        let records = pendingRecords.withLock { $0 }
        guard notedRetreats.load(ordering: .relaxed) != records.count else { return }
        let configuration = published.current
        let retreats = KassaStorageV1.StoredRetreats(
            retreats: records.map { $0.stored(of: configuration) })
        let bytes = retreats.encodedBytes()
        do throws(FileError) {
            try Files.write(bytes.span, to: retreatsPath)
            notedRetreats.store(records.count, ordering: .relaxed)
        } catch {}
    }

    /// Stores the retreats that a process before this one noted; says whether there were any.
    func recordNotedRetreats() throws(EngineError) -> Bool {
        guard let bytes = try? Files.read(retreatsPath, byteCountMax: Self.retreatByteCountMax),
            let noted = try? KassaStorageV1.StoredRetreats(decoding: bytes.span)
        else { return false }
        for retreat in noted.retreats { try commit(retreat) }
        do throws(FileError) {
            try Files.remove(retreatsPath)
        } catch {
            throw EngineError(.unavailable, error.description)
        }
        return true
    }

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
        for evidence in change.evidence {
            puts.append(
                Put(
                    table: tables.rollouts, key: RolloutKey.evidence(ofRollout: evidence.rolloutId),
                    value: evidence.encodedBytes()))
        }
        // A rollout that ended needs no memory of who has spoken; its evidence is in its transition.
        let ended = audit.transitions.filter { $0.rolloutId > 0 && $0.phase.isEnd }.map(\.rolloutId)
        let kept = Set(change.evidence.map(\.rolloutId))
        for id in ended + change.endedRollouts where !kept.contains(id) {
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

    private var retreatsPath: String { "\(folder)/retreats" }
    private static var retreatByteCountMax: Int { 64 << 20 }
}
