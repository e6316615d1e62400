// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
internal import Glibc

/// What opening LMDB in a directory gives; ``Environment`` takes it over and closes it.
@safe struct OpenedEnvironment {
    let handle: OpaquePointer
    let tables: [String: Table]
    let dataDescriptor: Int32
    let pageBytes: UInt64
    /// The write sequence of the last command.
    let sequence: UInt64

    /// Opens LMDB in `path`, clears stale readers, opens all tables in one synced transaction and
    /// checks the format version. Closes LMDB again if a step fails.
    ///
    /// NOTLS: a reader slot belongs to its transaction, so that a loop can reset and renew it.
    /// NOMETASYNC: see ``Durability``. Never NOSYNC (a power cut corrupts the file) and never
    /// WRITEMAP (a full disk is SIGBUS, and a stray write reaches the file).
    init(
        path: String, mapBytes: Int, readersMax: Int, tables definitions: [TableDefinition]
    ) throws(StoreError) {
        var created: OpaquePointer?
        // Safe: each call gets the handle that mdb_env_create made, and pointers to locals.
        try unsafe check(mdb_env_create(&created), "mdb_env_create", path)
        let handle = unsafe created!
        do throws(StoreError) {
            try unsafe check(mdb_env_set_mapsize(handle, mapBytes), "mdb_env_set_mapsize", path)
            try unsafe check(
                mdb_env_set_maxreaders(handle, UInt32(clamping: readersMax)),
                "mdb_env_set_maxreaders", path)
            try unsafe check(
                mdb_env_set_maxdbs(handle, UInt32(definitions.count)), "mdb_env_set_maxdbs", path)
            let flags = UInt32(MDB_NOTLS | MDB_NOMETASYNC)
            let opened = unsafe mdb_env_open(handle, path, flags, 0o600)
            if opened == ENOMEM { throw StoreError.noAddressSpace(mapBytes: mapBytes) }
            try check(opened, "mdb_env_open", path)
            unsafe mdb_reader_check(handle, nil)
            (tables, sequence) = try unsafe Self.openTables(handle, definitions, path)
            try unsafe check(mdb_env_sync(handle, 1), "mdb_env_sync", path)
            // A new file's name is only safe once its directory is synced, and LMDB does not do it.
            try SystemCall.syncDirectory(path: path)
            var descriptor: Int32 = -1
            try unsafe check(mdb_env_get_fd(handle, &descriptor), "mdb_env_get_fd", path)
            var status = MDB_stat()
            try unsafe check(mdb_env_stat(handle, &status), "mdb_env_stat", path)
            unsafe self.handle = handle
            dataDescriptor = descriptor
            pageBytes = UInt64(status.ms_psize)
        } catch {
            unsafe mdb_env_close(handle)
            throw error
        }
    }

    /// Opens or makes every table, `meta` first, in one transaction; an older store gets them so.
    @unsafe private static func openTables(
        _ handle: OpaquePointer, _ definitions: [TableDefinition], _ path: String
    ) throws(StoreError) -> (tables: [String: Table], sequence: UInt64) {
        var begun: OpaquePointer?
        // Safe: the handle is open, and every pointer is to a local.
        try unsafe check(mdb_txn_begin(handle, nil, 0, &begun), "mdb_txn_begin", path)
        var transaction = unsafe WriteTransaction(handle: begun!)
        var tables: [String: Table] = [:]
        for (index, definition) in definitions.enumerated() {
            var identifier: UInt32 = 0
            let code = unsafe mdb_dbi_open(
                transaction.handle, definition.name, UInt32(MDB_CREATE), &identifier)
            try check(code, "mdb_dbi_open", path)
            let table = Table(
                identifier: identifier, index: index, isEightAligned: definition.isEightAligned)
            tables[definition.name] = table
            if index == 0 { try checkFormat(&transaction, meta: table, path) }
        }
        let sequence = try tables[definitions[0].name].map { (meta) throws(StoreError) in
            try transaction.number(.sequence, in: meta) ?? 0
        }
        try check(transaction.commit(), "mdb_txn_commit", path)
        return (tables, sequence ?? 0)
    }

    private static func checkFormat(
        _ transaction: inout WriteTransaction, meta: Table, _ path: String
    ) throws(StoreError) {
        let found = try transaction.number(.format, in: meta) ?? 0
        guard found <= Environment.formatVersion else {
            throw .newerFormat(path: path, found: found, supported: Environment.formatVersion)
        }
        if found != Environment.formatVersion {
            try transaction.put(Environment.formatVersion, .format, in: meta)
        }
    }
}

/// Throws what `code`, returned by `call` while `path` was being opened, means.
private func check(_ code: Int32, _ call: String, _ path: String) throws(StoreError) {
    switch LMDBCode(rawValue: code) {
    case .success: return
    case .invalid: throw .foreignFile(path: path + "/data.mdb", reason: "a meta page is damaged")
    case .versionMismatch:
        throw .foreignFile(
            path: path + "/data.mdb", reason: "it was written by another version of LMDB")
    case .mapFull: throw .mapFull
    case .pageNotFound: throw .damaged(.pageNotFound)
    case .corrupted: throw .damaged(.corrupted)
    default: throw SystemCall.failure(code, path: path, call: call)
    }
}
