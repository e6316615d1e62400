// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout
internal import Store
internal import Synchronization
internal import Wire

/// What the hours of the day usually bring one model, by the names of its features.
typealias ModelHours = [String: HourlyReference.Stored]

extension KassaStorageV1.StoredHours {
    /// By the digests of bundles.
    var byBundle: [[UInt8]: ModelHours] {
        var found: [[UInt8]: ModelHours] = [:]
        for model in models {
            var hours: ModelHours = [:]
            for feature in model.features {
                hours[feature.feature] = HourlyReference.Stored(
                    counts: feature.counts, stale: feature.stale, days: feature.days,
                    acceptedHours: feature.acceptedHours, openHours: feature.openHours,
                    openedAtHour: feature.openedAtHour)
            }
            found[model.bundleSha256] = hours
        }
        return found
    }

    /// What is to be stored of a scorer's models.
    init(_ scorer: String, _ models: [[UInt8]: ModelHours]) {
        self.init(
            scorer: scorer,
            models: models.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { model in
                KassaStorageV1.StoredModelHours(
                    bundleSha256: model.key,
                    features: model.value.sorted { $0.key < $1.key }.map { name, hours in
                        KassaStorageV1.StoredFeatureHours(
                            feature: name, counts: hours.counts, stale: hours.stale,
                            days: hours.days, acceptedHours: hours.acceptedHours,
                            openHours: hours.openHours, openedAtHour: hours.openedAtHour)
                    })
            })
    }
}

extension Engine {
    /// What a process before this one has learnt of the hours of the day, by scorer and bundle; what cannot be
    /// read is learnt anew.
    static func storedHours(
        _ environment: Environment, _ tables: EngineTables
    ) throws(StoreError) -> [String: [[UInt8]: ModelHours]] {
        try environment.read { transaction throws(StoreError) in
            var found: [String: [[UInt8]: ModelHours]] = [:]
            let prefix = RolloutKey.hours
            try transaction.scan(tables.rollouts, prefix: prefix.span) { _, value in
                if let stored = try? KassaStorageV1.StoredHours(decoding: value) {
                    found[stored.scorer] = stored.byBundle
                }
                return true
            }
            return found
        }
    }

    /// Has stored what was learnt of the hours: every hour, and at a stop. Any thread; waits for no disk.
    ///
    /// Nothing happens while a person's accept is being stored, which has all hours stored at its end.
    func storeHours() {
        _ = driftGuard.storing.withLockIfAvailable { _ in submitHours() }
    }

    /// Puts them in the writer's queue; one thread at a time, which ``DriftGuard/storing`` sees to, so that none
    /// puts what is older behind what is newer.
    func submitHours() {
        for stored in driftGuard.hours {
            // A store that takes no writes is tried again in an hour.
            try? writer.submit(StoreHours(stored, tables))
        }
    }
}

/// The hours of one scorer on their way to the store; what is lost is an hour's traffic.
private final class StoreHours: WriteCommand {
    let durability = Durability.fast
    let recordCount = 1
    let byteCount: Int
    private let key: [UInt8]
    private let value: [UInt8]
    private let tables: EngineTables

    init(_ stored: KassaStorageV1.StoredHours, _ tables: EngineTables) {
        key = RolloutKey.hours(stored.scorer)
        value = stored.encodedBytes()
        byteCount = key.count + value.count
        self.tables = tables
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        let (key, value) = (key, value)
        try transaction.put(value.span, forKey: key.span, in: tables.rollouts)
    }

    func completed(_ outcome: WriteOutcome) {}
}
