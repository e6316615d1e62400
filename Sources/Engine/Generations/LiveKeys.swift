// SPDX-License-Identifier: Apache-2.0

internal import Features
internal import Store
internal import Synchronization

/// The keys that live writes brought into a generation before its load did, so that the load's own row
/// of such a key is not taken for a repeated one.
///
/// Kept in memory only: after a restart, and beyond ``EngineLimits/liveKeysMax``, such rows count as
/// repeated. Only the writer's thread uses it; the lock is never waited for.
final class LiveKeys: Sendable {
    private struct State {
        var generation: (UInt64, Table)?
        var hashes: Set<UInt64> = []
    }

    private let state = Mutex(State())

    /// Notes the keys of a live write that the generation does not hold yet.
    func note(
        _ prepared: PreparedWrite, in transaction: borrowing WriteTransaction,
        _ loading: RowPlace.Loading
    ) throws(StoreError) {
        for row in 0..<prepared.rowCount where !prepared.isRefused(row) {
            let key = prepared.key(row)
            guard try transaction.value(forKey: key, in: loading.table) == nil else { continue }
            let hash = Self.hash(key)
            state.withLock { state in
                Self.move(&state, to: loading)
                if state.hashes.count < EngineLimits.liveKeysMax { state.hashes.insert(hash) }
            }
        }
    }

    /// Whether a live write brought the key.
    func contains(_ key: Span<UInt8>, of loading: RowPlace.Loading) -> Bool {
        let hash = Self.hash(key)
        return state.withLock { state in
            Self.move(&state, to: loading)
            return state.hashes.contains(hash)
        }
    }

    private static func move(_ state: inout State, to loading: RowPlace.Loading) {
        if let known = state.generation, known == (loading.id, loading.table) { return }
        state.generation = (loading.id, loading.table)
        state.hashes = []
    }

    /// FNV-1a, with its high half folded in.
    private static func hash(_ key: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in key.indices { hash = (hash ^ UInt64(key[index])) &* 0x100_0000_01b3 }
        return hash ^ hash >> 32
    }
}
