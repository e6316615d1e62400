// SPDX-License-Identifier: Apache-2.0

internal import CLMDB

/// Finding a value and replacing it, with one search of the tree.
extension WriteTransaction {
    /// The bytes stored under `key`, in place, until the next write; nil if none are. The place is
    /// remembered for ``replaceFound(with:forKey:in:)``. Keys that come in order are found faster.
    /// `mdb_cursor_get` with MDB_SET.
    @_lifetime(&self)
    package mutating func find(
        _ key: Span<UInt8>, in table: Table
    ) throws(StoreError) -> Span<UInt8>? {
        guard Limits.keyBytes.contains(key.count) else { throw .keyLength(key.count) }
        let cursor = try unsafe cursor(on: table)
        var found = unsafe MDB_val()
        // Safe: LMDB reads the key within the call and never writes through it.
        let code = unsafe key.withUnsafeBufferPointer { bytes -> Int32 in
            var name = unsafe MDB_val(bytes)
            return unsafe mdb_cursor_get(cursor, &name, &found, MDB_SET)
        }
        isAtFound = code == MDB_SUCCESS
        switch code {
        case MDB_SUCCESS:
            // No value is longer; a damaged length must not lead out of the file.
            guard unsafe found.mv_size <= Limits.valueBytesMax else { throw .damaged(.corrupted) }
            // Safe: it points into the map or a dirty page, and every write needs self mutably.
            let span = unsafe Span(_unsafeElements: found.bytes)
            return unsafe _overrideLifetime(span, mutating: &self)
        case MDB_NOTFOUND: return nil
        default: throw StoreError(code, call: "mdb_cursor_get")
        }
    }

    /// Stores `value` under `key`, in the place of what ``find(_:in:)`` has just found for it, or where it
    /// belongs if that found nothing.
    ///
    /// - Throws: as ``put(_:forKey:in:)``. `mdb_cursor_put` with MDB_CURRENT.
    package mutating func replaceFound(
        with value: Span<UInt8>, forKey key: Span<UInt8>, in table: Table
    ) throws(StoreError) {
        guard isAtFound, cursorTable == table, let cursor = unsafe cursor else {
            return try put(value, forKey: key, in: table)
        }
        try checkPut(value, forKey: key, in: table)
        isAtFound = false
        // Safe: LMDB copies both within the call.
        let code = unsafe key.withUnsafeBufferPointer { keyBytes in
            unsafe value.withUnsafeBufferPointer { valueBytes -> Int32 in
                var name = unsafe MDB_val(keyBytes)
                var data = unsafe MDB_val(valueBytes)
                return unsafe mdb_cursor_put(cursor, &name, &data, UInt32(MDB_CURRENT))
            }
        }
        try note(code, "mdb_cursor_put")
        mutationCount += 1
    }

    private mutating func cursor(on table: Table) throws(StoreError) -> OpaquePointer {
        if cursorTable == table, let cursor = unsafe cursor { return unsafe cursor }
        if let other = unsafe cursor { unsafe mdb_cursor_close(other) }
        unsafe cursor = nil
        cursorTable = nil
        // Safe: the transaction is open, and closes the cursor when it ends.
        let code = unsafe mdb_cursor_open(handle, table.identifier, &cursor)
        guard code == MDB_SUCCESS, let opened = unsafe cursor else {
            throw StoreError(code, call: "mdb_cursor_open")
        }
        cursorTable = table
        return unsafe opened
    }
}
