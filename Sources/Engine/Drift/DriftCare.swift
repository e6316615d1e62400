// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Store
internal import Synchronization
internal import Wire

/// Has stored which drift alarms are on, so that what they hold is held after a restart too. On the keeper's thread.
struct DriftCare {
    /// By scorer, what the store has or is about to have; nil for no alarm.
    private var marks: [String: Mark] = [:]
    private static let retryNanoseconds: UInt64 = 1_000_000_000

    private struct Mark {
        let alarms: KassaStorageV1.StoredDrift?
        let at: MonotonicTime
        let command: StoreDrift?

        var hasFailed: Bool { command?.hasFailed.load(ordering: .relaxed) ?? false }
    }

    /// Begins with what is in the store.
    init(_ engine: Engine) {
        for (scorer, alarms) in engine.driftGuard.stored {
            marks[scorer] = Mark(alarms: alarms, at: .now(), command: nil)
        }
    }

    /// Stores what has changed; waits for no disk.
    mutating func store(_ engine: Engine, at now: MonotonicTime) {
        for (scorer, alarms) in engine.driftGuard.alarms {
            let mark = marks[scorer]
            if mark?.alarms == alarms {
                guard let mark, mark.hasFailed,
                    now.nanoseconds(since: mark.at) >= Self.retryNanoseconds
                else { continue }
            }
            let command = StoreDrift(scorer, alarms, engine.tables)
            // A store that takes no writes is tried again.
            if (try? engine.writer.submit(command)) == nil {
                command.hasFailed.store(true, ordering: .relaxed)
            }
            marks[scorer] = Mark(alarms: alarms, at: now, command: command)
        }
    }
}

/// The alarms of one scorer on their way to the store.
private final class StoreDrift: WriteCommand {
    let durability = Durability.fast
    let recordCount = 1
    let byteCount: Int
    private let key: [UInt8]
    private let value: [UInt8]?
    private let tables: EngineTables
    /// Whether the store did not take it after all.
    let hasFailed = Atomic(false)

    init(_ scorer: String, _ alarms: KassaStorageV1.StoredDrift?, _ tables: EngineTables) {
        key = RolloutKey.drift(scorer)
        value = alarms?.encodedBytes()
        byteCount = key.count + (value?.count ?? 0)
        self.tables = tables
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        let key = key
        if let value {
            try transaction.put(value.span, forKey: key.span, in: tables.rollouts)
        } else {
            _ = try transaction.delete(key.span, in: tables.rollouts)
        }
    }

    func completed(_ outcome: WriteOutcome) {
        if case .failed = outcome { hasFailed.store(true, ordering: .relaxed) }
    }
}

extension Engine {
    /// The drift alarms that were on when a process before this one ended, by scorer; what cannot be read is found
    /// again.
    static func storedDrift(
        _ environment: Environment, _ tables: EngineTables
    ) throws(StoreError) -> [String: KassaStorageV1.StoredDrift] {
        try environment.read { transaction throws(StoreError) in
            var found: [String: KassaStorageV1.StoredDrift] = [:]
            let prefix = RolloutKey.drift
            try transaction.scan(tables.rollouts, prefix: prefix.span) { _, value in
                if let stored = try? KassaStorageV1.StoredDrift(decoding: value) {
                    found[stored.scorer] = stored
                }
                return true
            }
            return found
        }
    }
}
