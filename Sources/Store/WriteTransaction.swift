// SPDX-License-Identifier: Apache-2.0

internal import CLMDB

/// A transaction that writes: all of it is committed when its scope ends, or nothing.
///
/// Only the writer's thread has one, and lends it; there is nothing to commit or to roll back by hand.
/// What it reads includes what it wrote.
@safe package struct WriteTransaction: ~Copyable {
    /// What is nearly full.
    enum PutRefusal {
        case map
        case disk

        fileprivate var error: StoreError {
            switch self {
            case .map: .mapFull
            case .disk: .diskFull
            }
        }
    }

    let handle: OpaquePointer
    /// Writes that took effect: how the writer knows whether a failed command left something behind.
    var mutationCount = 0
    /// The first code of a failed write that spoils the transaction; 0 if there was none.
    var failureCode: Int32 = 0

    /// Why puts are refused, while deletes go on: the map or the disk is nearly full.
    var putRefusal: PutRefusal?

    /// A cursor on the table that was searched last, which LMDB closes with the transaction.
    var cursor: OpaquePointer?
    var cursorTable: Table?
    /// Whether the cursor stands on what was found, and nothing was written since.
    var isAtFound = false

    /// Takes over the open transaction `handle`, on the thread that began it.
    init(handle: OpaquePointer) {
        unsafe self.handle = handle
    }

    deinit {
        unsafe mdb_txn_abort(handle)
    }

    /// The bytes stored under `key`, in place, until the next write; nil if none are. `mdb_get`.
    @_lifetime(borrow self)
    package func value(
        forKey key: Span<UInt8>, in table: Table
    ) throws(StoreError) -> Span<UInt8>? {
        guard let found = try unsafe TransactionHandle.value(handle, key, table) else {
            return nil
        }
        // Safe: it points into the map or a dirty page, and every write needs self mutably.
        let span = unsafe Span(_unsafeElements: found)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Stores `value` under `key`, in the place of what is there. `mdb_put`.
    ///
    /// - Throws: `keyLength`, `valueTooLarge` or `unalignedLength`, all before anything is written;
    ///   also before anything is written `mapFull`, when the map is over 90 % full, and `diskFull`, when
    ///   the filesystem has under 5 % left. Whatever LMDB itself throws, `mapFull` included, spoils
    ///   the group: nothing of it will be committed.
    package mutating func put(
        _ value: Span<UInt8>, forKey key: Span<UInt8>, in table: Table
    ) throws(StoreError) {
        _ = try put(value, forKey: key, in: table, flags: 0)
    }

    /// Stores `value` under `key` with LMDB's `flags`; false, and nothing done, if it says that the key is
    /// not above the last one, which MDB_APPEND demands.
    mutating func put(
        _ value: Span<UInt8>, forKey key: Span<UInt8>, in table: Table, flags: UInt32
    ) throws(StoreError) -> Bool {
        try checkPut(value, forKey: key, in: table)
        isAtFound = false
        // Safe: LMDB copies both within the call.
        let code = unsafe key.withUnsafeBufferPointer { keyBytes in
            unsafe value.withUnsafeBufferPointer { valueBytes -> Int32 in
                var name = unsafe MDB_val(keyBytes)
                var data = unsafe MDB_val(valueBytes)
                return unsafe mdb_put(handle, table.identifier, &name, &data, flags)
            }
        }
        if code == MDB_KEYEXIST { return false }
        try note(code, "mdb_put")
        mutationCount += 1
        return true
    }

    /// Refuses what cannot be put, before anything is written.
    func checkPut(
        _ value: Span<UInt8>, forKey key: Span<UInt8>, in table: Table
    ) throws(StoreError) {
        guard Limits.keyBytes.contains(key.count) else { throw .keyLength(key.count) }
        guard value.count <= Limits.valueBytesMax else { throw .valueTooLarge(value.count) }
        if table.isEightAligned {
            guard key.count & 7 == 0 else { throw .unalignedLength(key.count) }
            guard value.count & 7 == 0 else { throw .unalignedLength(value.count) }
        }
        if let putRefusal { throw putRefusal.error }
    }

    /// Deletes what is stored under `key`, and returns whether something was. `mdb_del`.
    @discardableResult
    package mutating func delete(
        _ key: Span<UInt8>, in table: Table
    ) throws(StoreError) -> Bool {
        guard Limits.keyBytes.contains(key.count) else { throw .keyLength(key.count) }
        // Safe: LMDB reads the key within the call.
        let code = unsafe key.withUnsafeBufferPointer { bytes -> Int32 in
            var name = unsafe MDB_val(bytes)
            return unsafe mdb_del(handle, table.identifier, &name, nil)
        }
        if code == MDB_NOTFOUND { return false }
        isAtFound = false
        try note(code, "mdb_del")
        mutationCount += 1
        return true
    }

    /// Calls `body` with every key that begins with `prefix`, and its value, in the order of bytes,
    /// until it returns false; `start`, if given, is the first key to consider.
    package func scan(
        _ table: Table, prefix: Span<UInt8>, from start: Span<UInt8>? = nil,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) throws(StoreError) {
        var opened: OpaquePointer?
        // Safe: the cursor is closed before the transaction ends.
        let code = unsafe mdb_cursor_open(handle, table.identifier, &opened)
        guard code == MDB_SUCCESS, let cursor = unsafe opened else {
            throw StoreError(code, call: "mdb_cursor_open")
        }
        defer { unsafe mdb_cursor_close(cursor) }
        try unsafe TransactionHandle.scan(cursor, prefix: prefix, from: start, body)
    }

    /// Commits, and returns LMDB's code; 0 is success. `mdb_txn_commit`.
    consuming func commit() -> Int32 {
        let handle = unsafe handle
        let failureCode = failureCode
        discard self
        guard failureCode == 0 else {
            unsafe mdb_txn_abort(handle)
            return failureCode
        }
        return unsafe mdb_txn_commit(handle)
    }

    /// Remembers a `code` that spoils the transaction, and throws what it means.
    mutating func note(_ code: Int32, _ call: StaticString) throws(StoreError) {
        guard code != MDB_SUCCESS else { return }
        if failureCode == 0 { failureCode = code }
        throw StoreError(code, call: call)
    }
}
