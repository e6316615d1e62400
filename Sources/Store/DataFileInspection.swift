// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
internal import Glibc

/// A look through a data file that is not in use: read-only, without locks, every entry once.
struct DataFileInspection {
    /// The format version.
    var formatVersion: UInt64
    /// The write sequence of the last command.
    var sequence: UInt64
    /// What was found in each table.
    var tables: [Verification.TableResult] = []
    /// Entries of all tables.
    var entries: UInt64 { tables.reduce(0) { $0 + $1.entries } }

    /// Looks through the file `path`, and lends `check` every entry, in the order of tables and keys;
    /// the table `first` comes before the others.
    ///
    /// A table that cannot be read to its end is an error, unless `goesOn`: then it is noted, and the
    /// next one is gone on with.
    ///
    /// The header is checked first, and each page is reached and each key is in order; but LMDB trusts
    /// what it maps, so a file that somebody forged may still end the process.
    init(
        path: String, goesOn: Bool = false, first: String? = nil,
        check: (_ table: String, _ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool = { _, _, _ in
            true
        }
    ) throws(StoreError) {
        guard let header = try DataFileHeader.check(path: path) else {
            throw .foreignFile(path: path, reason: "it is empty or missing")
        }
        var created: OpaquePointer?
        // Safe: each call gets the handle that mdb_env_create made, and pointers to locals.
        try unsafe Self.check(mdb_env_create(&created), "mdb_env_create")
        let environment = unsafe created!
        defer { unsafe mdb_env_close(environment) }
        try unsafe Self.check(
            mdb_env_set_mapsize(environment, (header.leastMapBytes + 65_535) & ~65_535),
            "mdb_env_set_mapsize")
        try unsafe Self.check(
            mdb_env_set_maxdbs(environment, UInt32(Limits.tablesMax)), "mdb_env_set_maxdbs")
        try unsafe Self.check(
            mdb_env_open(
                environment, path, UInt32(MDB_RDONLY | MDB_NOLOCK | MDB_NOSUBDIR), 0o600),
            "mdb_env_open")
        var begun: OpaquePointer?
        try unsafe Self.check(
            mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &begun), "mdb_txn_begin")
        let transaction = unsafe begun!
        defer { unsafe mdb_txn_abort(transaction) }
        var numbers: [MetaKey: UInt64] = [:]
        let names = try unsafe Self.tableNames(transaction)
        for name in names.filter({ $0 == first }) + names.filter({ $0 != first }) {
            var found = Verification.TableResult(
                name: name, entries: 0, bytes: 0, refused: 0, refusedKeys: [])
            do throws(StoreError) {
                var identifier: UInt32 = 0
                try unsafe Self.check(
                    mdb_dbi_open(transaction, name, 0, &identifier), "mdb_dbi_open")
                var status = MDB_stat()
                try unsafe Self.check(mdb_stat(transaction, identifier, &status), "mdb_stat")
                let count = try unsafe Self.walk(transaction, identifier) { key, value in
                    found.note(key, value, isSound: check(name, key, value))
                    guard name == "meta" else { return }
                    for metaKey in [MetaKey.format, .sequence] where metaKey.isEqual(to: key) {
                        numbers[metaKey] = value.littleEndianNumber
                    }
                }
                guard count == UInt64(truncatingIfNeeded: status.ms_entries) else {
                    throw .damaged(.corrupted)
                }
            } catch {
                guard goesOn else { throw error }
                found.failure = error
            }
            tables.append(found)
        }
        guard let format = numbers[.format] else {
            throw .foreignFile(path: path, reason: "it has no format version")
        }
        formatVersion = format
        sequence = numbers[.sequence] ?? 0
    }

    @unsafe private static func tableNames(
        _ transaction: OpaquePointer
    ) throws(StoreError) -> [String] {
        var names: [String] = []
        var main: UInt32 = 0
        try unsafe check(mdb_dbi_open(transaction, nil, 0, &main), "mdb_dbi_open")
        _ = try unsafe walk(transaction, main) { key, _ in
            names.append(String(decoding: key.indices.map { key[$0] }, as: UTF8.self))
        }
        guard names.count <= Limits.tablesMax else { throw .damaged(.invalid) }
        return names
    }

    /// Lends `body` every entry, and checks that the keys are in order; returns their number.
    @unsafe private static func walk(
        _ transaction: OpaquePointer, _ table: UInt32,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Void
    ) throws(StoreError) -> UInt64 {
        var opened: OpaquePointer?
        try unsafe check(mdb_cursor_open(transaction, table, &opened), "mdb_cursor_open")
        let cursor = unsafe opened!
        defer { unsafe mdb_cursor_close(cursor) }
        var order = KeyOrder()
        try unsafe TransactionHandle.scan(cursor, prefix: Span(), from: nil) { key, value in
            guard order.accepts(key) else { return false }
            body(key, value)
            return true
        }
        guard order.isKept else { throw .damaged(.corrupted) }
        return order.count
    }

    private static func check(_ code: Int32, _ call: StaticString) throws(StoreError) {
        guard code == MDB_SUCCESS else { throw StoreError(code, call: call) }
    }
}
