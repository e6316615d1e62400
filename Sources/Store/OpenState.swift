// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CLMDB

/// LMDB's handle and everything that keeps it from being closed; guarded by the environment's lock.
@safe struct OpenState: Sendable {
    /// One reader, and since when it has been seen in the same turn.
    struct Reader {
        let slot: ReaderSlot
        var turn: UInt64?
        var since = MonotonicTime.now()
    }

    /// Nil between a close and the next open.
    // Safe: LMDB's environment takes calls from any thread.
    nonisolated(unsafe) var handle: OpaquePointer?
    var readers: [Reader] = []
    /// Calls that use the handle now.
    var leases = 0

    /// Adds `slot` with a new read transaction in a turn, or gives a known one a new transaction.
    mutating func begin(_ slot: ReaderSlot) throws(StoreError) {
        guard let handle = unsafe handle else { throw .panicked }
        var begun: OpaquePointer?
        // Safe: the environment is open, and the pointer is to a local.
        let code = unsafe mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &begun)
        guard code == MDB_SUCCESS, let begun = unsafe begun else {
            throw StoreError(code, call: "mdb_txn_begin")
        }
        unsafe slot.attach(begun)
        if !readers.contains(where: { $0.slot === slot }) { readers.append(Reader(slot: slot)) }
    }

    /// Frees `slot`'s transaction and forgets it.
    mutating func end(_ slot: ReaderSlot) {
        slot.close()
        readers.removeAll { $0.slot === slot }
    }

    /// Closes LMDB if nobody is in the middle of something; idle readers lose their transactions.
    mutating func closeIfUnused() -> Bool {
        var isUnused = leases == 0
        for reader in readers where !reader.slot.detachIfIdle() { isUnused = false }
        guard isUnused else { return false }
        if let handle = unsafe handle { unsafe mdb_env_close(handle) }
        unsafe handle = nil
        return true
    }

    /// The longest time for which a reader has been seen in one turn.
    mutating func oldestTurnNanoseconds(now: MonotonicTime) -> UInt64 {
        var oldest: UInt64 = 0
        for index in readers.indices {
            let turn = readers[index].slot.activeTurn
            if turn != readers[index].turn {
                readers[index].turn = turn
                readers[index].since = now
            }
            if turn != nil {
                oldest = max(oldest, now.nanoseconds(since: readers[index].since))
            }
        }
        return oldest
    }
}
