// SPDX-License-Identifier: Apache-2.0

internal import CLMDB

/// The calls that read and write transactions share, on LMDB's own handles.
///
/// What they return points into the map and is valid until the transaction ends or, if it writes,
/// until its next write; the transaction types tie spans to that.
@unsafe enum TransactionHandle {
    /// The bytes under `key`; nil if there is no such key. `mdb_get`.
    static func value(
        _ handle: OpaquePointer, _ key: Span<UInt8>, _ table: Table
    ) throws(StoreError) -> UnsafeBufferPointer<UInt8>? {
        guard Limits.keyBytes.contains(key.count) else { throw .keyLength(key.count) }
        var found = unsafe MDB_val()
        // Safe: LMDB reads the key within the call and never writes through it.
        let code = unsafe key.withUnsafeBufferPointer { bytes -> Int32 in
            var name = unsafe MDB_val(bytes)
            return unsafe mdb_get(handle, table.identifier, &name, &found)
        }
        switch code {
        case MDB_SUCCESS:
            // No value is longer; a damaged length must not lead out of the file.
            guard unsafe found.mv_size <= Limits.valueBytesMax else { throw .damaged(.corrupted) }
            return unsafe found.bytes
        case MDB_NOTFOUND: return nil
        default: throw StoreError(code, call: "mdb_get")
        }
    }

    /// Calls `body` with each key that begins with `prefix`, from `start` on, until it returns false.
    static func scan(
        _ cursor: OpaquePointer, prefix: Span<UInt8>, from start: Span<UInt8>?,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) throws(StoreError) {
        var first = prefix
        if let start { first = start }
        guard first.count <= Limits.keyBytes.upperBound else { throw .keyLength(first.count) }
        var key = unsafe MDB_val()
        var value = unsafe MDB_val()
        // Safe: LMDB reads the first key within the call, and then points `key` into the map.
        var code = unsafe first.withUnsafeBufferPointer { bytes -> Int32 in
            unsafe key = MDB_val(bytes)
            let operation = bytes.isEmpty ? MDB_FIRST : MDB_SET_RANGE
            return unsafe mdb_cursor_get(cursor, &key, &value, operation)
        }
        while code == MDB_SUCCESS {
            // Safe: both point into the map, which stands still while `body` runs.
            let found = unsafe Span(_unsafeElements: key.bytes)
            guard found.hasPrefix(prefix) else { return }
            guard unsafe value.mv_size <= Limits.valueBytesMax else { throw .damaged(.corrupted) }
            guard unsafe body(found, Span(_unsafeElements: value.bytes)) else { return }
            code = unsafe mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
        }
        guard code == MDB_NOTFOUND else { throw StoreError(code, call: "mdb_cursor_get") }
    }

    /// Calls `body` with each key below `bound`, the greatest first, until it returns false; an empty bound is
    /// above all keys.
    static func scanBackwards(
        _ cursor: OpaquePointer, below bound: Span<UInt8>,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) throws(StoreError) {
        guard bound.count <= Limits.keyBytes.upperBound else { throw .keyLength(bound.count) }
        var key = unsafe MDB_val()
        var value = unsafe MDB_val()
        // Safe: LMDB reads the bound within the call, and then points `key` into the map.
        var code = unsafe bound.withUnsafeBufferPointer { bytes -> Int32 in
            guard !bytes.isEmpty else { return MDB_NOTFOUND }
            unsafe key = MDB_val(bytes)
            return unsafe mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE)
        }
        // It stands at the first key that is not below the bound; where there is none, behind the last.
        if code == MDB_SUCCESS || code == MDB_NOTFOUND {
            let operation = code == MDB_SUCCESS ? MDB_PREV : MDB_LAST
            code = unsafe mdb_cursor_get(cursor, &key, &value, operation)
        }
        while code == MDB_SUCCESS {
            guard unsafe value.mv_size <= Limits.valueBytesMax else { throw .damaged(.corrupted) }
            // Safe: both point into the map, which stands still while `body` runs.
            guard unsafe body(Span(_unsafeElements: key.bytes), Span(_unsafeElements: value.bytes))
            else { return }
            code = unsafe mdb_cursor_get(cursor, &key, &value, MDB_PREV)
        }
        guard code == MDB_NOTFOUND else { throw StoreError(code, call: "mdb_cursor_get") }
    }

    /// The pages on LMDB's list of free pages, some of which a reader may still need.
    ///
    /// The list is the table with handle 0. An entry holds what one commit freed: a count of 8 bytes,
    /// then page numbers.
    static func freePages(_ handle: OpaquePointer) throws(StoreError) -> UInt64 {
        var opened: OpaquePointer?
        let code = unsafe mdb_cursor_open(handle, 0, &opened)
        guard code == MDB_SUCCESS, let cursor = unsafe opened else {
            throw StoreError(code, call: "mdb_cursor_open")
        }
        defer { unsafe mdb_cursor_close(cursor) }
        var pages: UInt64 = 0
        try unsafe scan(cursor, prefix: Span(), from: nil) { _, list in
            for index in 0..<min(8, list.count) {
                pages &+= UInt64(list[index]) << UInt64(8 * index)
            }
            return true
        }
        return pages
    }
}

extension MDB_val {
    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        unsafe self.init(
            mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }

    var bytes: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(
            start: mv_data?.assumingMemoryBound(to: UInt8.self), count: mv_size)
    }
}

extension Span<UInt8> {
    fileprivate func hasPrefix(_ prefix: Span<UInt8>) -> Bool {
        guard count >= prefix.count else { return false }
        for index in prefix.indices where self[index] != prefix[index] { return false }
        return true
    }
}

extension StoreError {
    /// What `code`, returned by `call` inside a transaction, means.
    init(_ code: Int32, call: StaticString) {
        switch LMDBCode(rawValue: code) {
        case .mapFull: self = .mapFull
        case .readersFull: self = .readersFull
        case .panic: self = .panicked
        case .corrupted, .pageNotFound, .invalid, .versionMismatch:
            self = .damaged(LMDBCode(rawValue: code))
        default: self = .unexpected(LMDBCode(rawValue: code), call: "\(call)")
        }
    }
}
