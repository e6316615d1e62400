// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout
internal import Store
internal import Synchronization
internal import Wire

/// Has evidence stored from time to time, so that a restart goes on with it. On the keeper's thread.
struct GuardCare {
    private var next = MonotonicTime.now()
    /// By rollout, what was handed to the store last, and when.
    private var states: [UInt64: Mark] = [:]
    private var filters: [UInt64: Mark] = [:]

    private struct Mark {
        let progress: GuardProgress
        let at: MonotonicTime
        let command: StoreEvidence

        /// Whether the store has what is to be stored at `progress`, or is about to have it.
        func covers(_ progress: GuardProgress) -> Bool {
            progress == self.progress && !command.hasFailed.load(ordering: .relaxed)
        }

        func isOlder(than milliseconds: UInt64, at now: MonotonicTime) -> Bool {
            now.nanoseconds(since: at) >= milliseconds * 1_000_000
        }
    }

    /// Everything at once, so that what comes after a stop goes on where this ends.
    static func storeAll(_ engine: Engine) {
        var care = GuardCare()
        care.store(engine.guards, of: engine, at: .now(), withResting: true)
    }

    /// Stores what has changed. Those that rest do not change, and were stored when they began to.
    mutating func store(
        _ guards: Guards, of engine: Engine, at now: MonotonicTime, withResting: Bool = false
    ) {
        guard now >= next else { return }
        next = now.advanced(byNanoseconds: GuardLimits.storeMilliseconds * 1_000_000)
        let progress = guards.progress(withResting: withResting)
        let present = Set(progress.map(\.rollout))
        states = states.filter { present.contains($0.key) }
        filters = filters.filter { present.contains($0.key) }
        var wants: [UInt64: GuardWant] = [:]
        for rollout in progress { wants[rollout.rollout] = want(rollout, at: now) }
        guard !wants.isEmpty else { return }
        for copy in guards.copies(of: wants, at: now) {
            let command = StoreEvidence(
                copy.stored, of: copy.scorer, filters: copy.evidence?.encodedFilters(), engine)
            // A store that takes no writes is tried again in a second.
            guard (try? engine.writer.submit(command)) != nil else { continue }
            let mark = Mark(progress: copy.progress, at: now, command: command)
            states[copy.progress.rollout] = mark
            if copy.evidence != nil { filters[copy.progress.rollout] = mark }
        }
    }

    private func want(_ progress: GuardProgress, at now: MonotonicTime) -> GuardWant? {
        guard let filter = filters[progress.rollout], filter.progress.mode == progress.mode else {
            return .stateAndFilters
        }
        let pace =
            progress.mode == .aftercare
            ? GuardLimits.storeAftercareFiltersMilliseconds : GuardLimits.storeFiltersMilliseconds
        if !filter.covers(progress), filter.isOlder(than: pace, at: now) { return .stateAndFilters }
        guard let state = states[progress.rollout], state.covers(progress),
            !state.isOlder(than: GuardLimits.storeAgeMilliseconds, at: now)
        else { return .state }
        return nil
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
    /// Whether the store did not take it after all.
    let hasFailed = Atomic(false)

    init(
        _ stored: KassaStorageV1.StoredEvidence, of scorer: String, filters: [UInt8]?,
        _ engine: Engine
    ) {
        var puts = [
            (key: RolloutKey.evidence(ofRollout: stored.rolloutId), value: stored.encodedBytes())
        ]
        if let filters {
            puts.append((key: RolloutKey.filters(ofRollout: stored.rolloutId), value: filters))
        }
        self.puts = puts
        tables = engine.tables
        faults = engine.environment.faults
        slotsKey = RolloutKey.slots(scorer)
        rollout = stored.rolloutId
        isAftercare = stored.isAftercare
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
        if case .failed = outcome { hasFailed.store(true, ordering: .relaxed) }
    }
}
