// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout
internal import Store
internal import Wire

/// Has evidence stored from time to time, so that a restart goes on with it. On the keeper's thread.
struct GuardCare {
    private var nextEvidence = MonotonicTime.now()
    private var nextFilters = MonotonicTime.now()

    /// Everything at once, so that what comes after a stop goes on where this ends.
    static func storeAll(_ engine: Engine) {
        var care = GuardCare()
        care.store(engine.guards, of: engine, at: .now(), withResting: true)
    }

    /// Those that rest do not change, and were stored when they began to.
    mutating func store(
        _ guards: Guards, of engine: Engine, at now: MonotonicTime, withResting: Bool = false
    ) {
        guard now >= nextEvidence else { return }
        nextEvidence = now.advanced(byNanoseconds: GuardLimits.storeMilliseconds * 1_000_000)
        let withFilters = now >= nextFilters
        if withFilters {
            nextFilters = now.advanced(
                byNanoseconds: GuardLimits.storeFiltersMilliseconds * 1_000_000)
        }
        let copies = guards.copies(at: now, withFilters: withFilters, withResting: withResting)
        for (scorer, stored, evidence) in copies {
            let filters = evidence?.encodedFilters()
            let command = StoreEvidence(stored, of: scorer, filters: filters, engine)
            // A store that takes no writes is tried again in a second.
            try? engine.writer.submit(command)
        }
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

    func completed(_ outcome: WriteOutcome) {}
}
