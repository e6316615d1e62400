// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout
internal import Store
internal import Synchronization
internal import Wire

/// Has evidence stored from time to time, so that a restart goes on with it. On the keeper's thread.
///
/// Invariant: what is weighed and who has spoken are stored together, as they were at one moment. So no entity counts
/// twice, however often the process is killed: what came after that moment is forgotten whole. When it is stored
/// follows from time alone, not from what it says, so that what is forgotten speaks for nobody.
struct GuardCare {
    private var next = MonotonicTime.now()
    /// By rollout, what was handed to the store last.
    private var marks: [UInt64: Mark] = [:]

    private struct Mark {
        let progress: GuardProgress
        /// When the rollout was stored first, in this mode and by this process, and last.
        let first: MonotonicTime
        let last: MonotonicTime
        let fate: StoreFate

        /// Whether the store has what is to be stored at `progress`, or is about to have it.
        func covers(_ progress: GuardProgress) -> Bool {
            progress == self.progress && !fate.hasFailed
        }
    }

    /// Everything at once, so that what comes after a stop goes on where this ends.
    static func storeAll(_ engine: Engine) {
        var care = GuardCare()
        care.store(engine.guards, of: engine, at: .now())
    }

    /// Stores what has changed and whose time has come.
    mutating func store(_ guards: Guards, of engine: Engine, at now: MonotonicTime) {
        guard now >= next else { return }
        next = now.advanced(byNanoseconds: GuardLimits.storeMilliseconds * 1_000_000)
        let progress = guards.progress
        let present = Set(progress.map(\.rollout))
        marks = marks.filter { present.contains($0.key) }
        let due = Set(progress.filter { isDue($0, at: now) }.map(\.rollout))
        guard !due.isEmpty else { return }
        for copy in guards.copies(of: due, at: now) {
            let command = StoreEvidence(copy, engine)
            // A store that takes no writes is tried again in a second.
            guard (try? engine.writer.submit(command)) != nil else { continue }
            let id = copy.progress.rollout
            let before = marks[id].flatMap { $0.progress.mode == copy.progress.mode ? $0 : nil }
            marks[id] = Mark(
                progress: copy.progress, first: before?.first ?? now, last: now, fate: command.fate)
        }
    }

    private func isDue(_ progress: GuardProgress, at now: MonotonicTime) -> Bool {
        guard let mark = marks[progress.rollout], mark.progress.mode == progress.mode else {
            return true
        }
        // One after the other: a disk that hangs is not to be waited for by ever more of them.
        guard !mark.fate.isUnderWay else { return false }
        let waited = now.nanoseconds(since: mark.last) / 1_000_000
        if mark.covers(progress) {
            return progress.mode != .aftercare && waited >= GuardLimits.storeAgeMilliseconds
        }
        if progress.isResting { return true }
        guard progress.mode == .aftercare else {
            return waited >= GuardLimits.storeChangesMilliseconds
        }
        // Often at first, when a bad model is found; half of what a process has learnt outlives it at least.
        let age = mark.last.nanoseconds(since: mark.first) / 1_000_000
        return waited
            >= min(
                max(age, GuardLimits.storeChangesMilliseconds),
                GuardLimits.storeAftercareMilliseconds)
    }
}

/// What became of evidence on its way to the store: outlives the bytes, which go with their command.
private final class StoreFate: Sendable {
    private let state = Atomic<UInt8>(0)

    var isUnderWay: Bool { state.load(ordering: .relaxed) == 0 }
    /// Whether the store did not take it after all.
    var hasFailed: Bool { state.load(ordering: .relaxed) == 2 }

    func end(hasFailed: Bool) {
        state.store(hasFailed ? 2 : 1, ordering: .relaxed)
    }
}

/// Evidence on its way to the store; nothing is lost that matters if it does not get there.
private final class StoreEvidence: WriteCommand {
    let durability = Durability.fast
    let recordCount: Int
    let byteCount: Int
    private let puts: [(key: [UInt8], value: [UInt8])]
    private let slotsKey: [UInt8]
    private let rollout: UInt64
    private let isAftercare: Bool
    private let tables: EngineTables
    private let faults: FaultPoints
    let fate = StoreFate()

    init(_ copy: GuardCopy, _ engine: Engine) {
        rollout = copy.progress.rollout
        puts = [
            (RolloutKey.evidence(ofRollout: rollout), copy.stored.encodedBytes()),
            (RolloutKey.filters(ofRollout: rollout), copy.evidence.encodedFilters()),
        ]
        tables = engine.tables
        faults = engine.environment.faults
        slotsKey = RolloutKey.slots(copy.scorer)
        isAftercare = copy.progress.mode == .aftercare
        recordCount = puts.count
        byteCount = puts.reduce(0) { $0 + $1.key.count + $1.value.count }
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        // Of a rollout that ended meanwhile, or was promoted, nothing is kept.
        guard try isWatched(in: transaction) else { return }
        for put in puts {
            try transaction.put(put.value.span, forKey: put.key.span, in: tables.rollouts)
        }
        faults.hit(.guardEvidence)
    }

    private func isWatched(in transaction: borrowing WriteTransaction) throws(StoreError) -> Bool {
        let key = slotsKey
        guard let bytes = try transaction.value(forKey: key.span, in: tables.rollouts),
            let stored = try? KassaStorageV1.StoredSlots(decoding: bytes),
            let slots = ScorerRollout(stored)?.slots
        else { return false }
        return (isAftercare ? slots.promotion : slots.openRollout)?.id == rollout
    }

    func completed(_ outcome: WriteOutcome) {
        if case .failed = outcome { fate.end(hasFailed: true) } else { fate.end(hasFailed: false) }
    }
}
