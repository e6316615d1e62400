// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
internal import Synchronization

/// A snapshot of the store: everything read through it comes from one moment.
///
/// A loop keeps one for its life, calls ``renew()`` when a turn begins and ``reset()`` when it ends;
/// neither allocates nor locks. While it is active, no page freed since can be reused, so a second is
/// a long time. It belongs to one thread at a time.
@safe package struct ReadTransaction: ~Copyable {
    private var handle: OpaquePointer
    private let environment: Environment
    private let slot: ReaderSlot
    /// Whether it holds a snapshot, as opposed to being reset.
    package private(set) var isActive = true

    init(environment: Environment) throws(StoreError) {
        let slot = ReaderSlot(cursorCount: environment.tables.count)
        unsafe handle = try environment.begin(slot)
        self.slot = slot
        self.environment = environment
    }

    deinit {
        environment.state.withLock { $0.end(slot) }
    }

    /// Lets go of the snapshot and keeps the reader slot. `mdb_txn_reset`.
    package mutating func reset() {
        guard isActive else { return }
        unsafe mdb_txn_reset(handle)
        slot.leave()
        isActive = false
    }

    /// Takes the newest snapshot, whether it held one or not. `mdb_txn_renew`.
    ///
    /// The first call after the store was opened again takes a lock and allocates; no other does.
    ///
    /// - Throws: `panicked`, from LMDB's giving up until the writer's thread has opened it again.
    package mutating func renew() throws(StoreError) {
        reset()
        guard environment.health.load(ordering: .acquiring) != .panicked else { throw .panicked }
        guard slot.enter() else {
            unsafe handle = try environment.begin(slot)
            isActive = true
            return
        }
        let code = unsafe mdb_txn_renew(handle)
        guard code == MDB_SUCCESS else {
            slot.leave()
            throw StoreError(code, call: "mdb_txn_renew")
        }
        isActive = true
    }

    /// The number of the commit that the snapshot shows. `mdb_txn_id`.
    package var snapshotID: UInt64 {
        // Safe here and below: a number out of a damaged file may be any, and must not trap.
        UInt64(truncatingIfNeeded: unsafe mdb_txn_id(handle))
    }

    /// The bytes stored under `key`, in place, for as long as the snapshot is held; nil if none are.
    ///
    /// - Throws: `keyLength`, `damaged`, or `noSnapshot` when the transaction is reset. `mdb_get`.
    /// - Complexity: O(log n).
    @_lifetime(borrow self)
    package func value(
        forKey key: Span<UInt8>, in table: Table
    ) throws(StoreError) -> Span<UInt8>? {
        guard isActive else { throw .noSnapshot }
        guard let found = try unsafe TransactionHandle.value(handle, key, table) else {
            return nil
        }
        // Safe: it points into the map, which stands still until reset or renew, both mutating.
        let span = unsafe Span(_unsafeElements: found)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Calls `body` with every key that begins with `prefix`, and its value, in the order of bytes,
    /// until it returns false.
    ///
    /// `start`, if given, is the first key to consider: a long scan goes on from there after a renew.
    /// After the first scan of a table nothing is allocated, unless scans of one table are nested.
    package func scan(
        _ table: Table, prefix: Span<UInt8>, from start: Span<UInt8>? = nil,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) throws(StoreError) {
        guard isActive else { throw .noSnapshot }
        // Safe: the slot is this table's own; a nested scan of the same table opens another cursor.
        guard unsafe !slot.cursors[table.index].isInUse else {
            let cursor = try unsafe openCursor(table)
            defer { unsafe mdb_cursor_close(cursor) }
            return try unsafe TransactionHandle.scan(cursor, prefix: prefix, from: start, body)
        }
        let cursor: OpaquePointer
        if let kept = unsafe slot.cursors[table.index].handle {
            let code = unsafe mdb_cursor_renew(handle, kept)
            guard code == MDB_SUCCESS else { throw StoreError(code, call: "mdb_cursor_renew") }
            unsafe cursor = kept
        } else {
            unsafe cursor = try openCursor(table)
            unsafe slot.cursors[table.index].handle = cursor
        }
        unsafe slot.cursors[table.index].isInUse = true
        defer { unsafe slot.cursors[table.index].isInUse = false }
        try unsafe TransactionHandle.scan(cursor, prefix: prefix, from: start, body)
    }

    /// Calls `body` with every key below `bound`, and its value, from the greatest down, until it returns
    /// false; an empty bound is above all keys. Allocates a cursor: for control work.
    package func scanBackwards(
        _ table: Table, below bound: Span<UInt8>,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) throws(StoreError) {
        guard isActive else { throw .noSnapshot }
        // Safe: the cursor is closed before the snapshot is let go of.
        let cursor = try unsafe openCursor(table)
        defer { unsafe mdb_cursor_close(cursor) }
        try unsafe TransactionHandle.scanBackwards(cursor, below: bound, body)
    }

    /// Keys and pages of `table`. `mdb_stat`.
    func size(of table: Table) throws(StoreError) -> (entries: UInt64, pages: UInt64) {
        var status = MDB_stat()
        // Safe: the pointer is to a local.
        let code = unsafe mdb_stat(handle, table.identifier, &status)
        guard code == MDB_SUCCESS else { throw StoreError(code, call: "mdb_stat") }
        let pages = status.ms_branch_pages &+ status.ms_leaf_pages &+ status.ms_overflow_pages
        return (UInt64(truncatingIfNeeded: status.ms_entries), UInt64(truncatingIfNeeded: pages))
    }

    /// Pages that are free for reuse once no reader needs them.
    func freePages() throws(StoreError) -> UInt64 {
        try unsafe TransactionHandle.freePages(handle)
    }

    private func openCursor(_ table: Table) throws(StoreError) -> OpaquePointer {
        var opened: OpaquePointer?
        let code = unsafe mdb_cursor_open(handle, table.identifier, &opened)
        guard code == MDB_SUCCESS, let opened = unsafe opened else {
            throw StoreError(code, call: "mdb_cursor_open")
        }
        return unsafe opened
    }
}

extension Environment {
    /// Lends `body` a snapshot.
    ///
    /// For control work: it takes a reader slot and allocates. A loop keeps a ``ReadTransaction``.
    package func read<Result>(
        _ body: (borrowing ReadTransaction) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let transaction = try ReadTransaction(environment: self)
        return try body(transaction)
    }

    /// Begins a transaction in `slot`, in a turn, and returns LMDB's handle of it.
    ///
    /// Where all slots are taken, those of processes that are gone are freed first.
    func begin(_ slot: ReaderSlot) throws(StoreError) -> OpaquePointer {
        do throws(StoreError) {
            return try unsafe beginOnce(slot)
        } catch .readersFull where freeStaleReaders() > 0 {
            return try unsafe beginOnce(slot)
        }
    }

    private func beginOnce(_ slot: ReaderSlot) throws(StoreError) -> OpaquePointer {
        guard health.load(ordering: .acquiring) != .panicked else { throw .panicked }
        let failure = state.withLock { state -> StoreError? in
            do throws(StoreError) {
                try state.begin(slot)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
        // Safe: the slot is in a turn of the caller's, so nobody else changes it.
        return unsafe slot.handle!
    }

    /// A read transaction for a loop to keep: it holds the newest snapshot until it is reset.
    package func makeReadTransaction() throws(StoreError) -> ReadTransaction {
        try ReadTransaction(environment: self)
    }
}
