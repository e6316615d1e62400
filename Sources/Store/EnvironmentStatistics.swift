// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CLMDB
internal import Synchronization

/// How full an environment is, and how far its readers lag: for metrics and alarms.
package struct EnvironmentStatistics: Hashable, Sendable {
    /// One table's size.
    package struct TableSize: Hashable, Sendable {
        /// The table's name.
        package var name: String
        /// Keys.
        package var entries: UInt64
        /// Pages of the tree, long values included.
        package var pages: UInt64
    }

    /// Bytes of a page.
    package var pageBytes: UInt64
    /// Pages of the map.
    package var mapPages: UInt64
    /// Pages up to the last one ever used; never shrinks.
    package var usedPages: UInt64
    /// Pages below ``usedPages`` that are free for reuse once no reader needs them.
    package var freePages: UInt64
    /// The number of the last commit.
    package var lastTransactionID: UInt64
    /// Commits between the oldest snapshot that a reader holds and the last one; 0 without readers.
    package var readerLag: UInt64
    /// How long the oldest of them has been seen in one turn, in milliseconds.
    package var oldestReaderMilliseconds: UInt64
    /// Reader slots that were ever in use at the same time.
    package var readers: Int
    /// Reader slots there are.
    package var readersMax: Int
    /// Bytes that the filesystem still takes, and all that it has; 0 and 0 if it does not say.
    package var disk: DiskSpace
    /// Whether puts are refused because the filesystem is nearly full.
    package var isDiskNearlyFull: Bool
    /// How often LMDB gave up and was opened again.
    package var reopens: UInt64
    /// How long the store was closed for that, all together, in microseconds.
    package var outageMicroseconds: UInt64
    /// Copies that were given up because they cost too much.
    package var copiesTooCostly: UInt64
    /// Reader slots freed because their process was gone.
    package var staleReaders: UInt64
    /// Every table, by name.
    package var tables: [TableSize]

    /// The share of the map in use, in percent; puts are refused from 90 on.
    package var mapPercent: UInt64 {
        (usedPages - min(freePages, usedPages)) * 100 / max(mapPages, 1)
    }
}

extension Environment {
    /// The sizes now. Takes a snapshot for a moment, and allocates: not for a loop.
    ///
    /// - Complexity: O(tables + entries of the list of free pages).
    package func statistics() throws(StoreError) -> EnvironmentStatistics {
        let now = MonotonicTime.now()
        let oldestTurn = state.withLock { $0.oldestTurnNanoseconds(now: now) }
        let transaction = try makeReadTransaction()
        var information = unsafe MDB_envinfo()
        // Safe: the environment is open, and the pointer is to a local.
        let code = try unsafe lend { unsafe mdb_env_info($0, &information) }
        guard code == 0 else { throw StoreError(code, call: "mdb_env_info") }
        var sizes: [EnvironmentStatistics.TableSize] = []
        for (name, table) in tables.sorted(by: { $0.key < $1.key }) {
            let size = try transaction.size(of: table)
            sizes.append(.init(name: name, entries: size.entries, pages: size.pages))
        }
        let freePages = try transaction.freePages()
        let oldest = try oldestSnapshot(besides: transaction.snapshotID)
        let last = unsafe UInt64(truncatingIfNeeded: information.me_last_txnid)
        return unsafe EnvironmentStatistics(
            pageBytes: pageBytes,
            mapPages: UInt64(information.me_mapsize) / pageBytes,
            usedPages: UInt64(truncatingIfNeeded: information.me_last_pgno) &+ 1,
            freePages: freePages,
            lastTransactionID: last,
            readerLag: last - min(oldest, last),
            oldestReaderMilliseconds: oldestTurn / 1_000_000,
            readers: Int(information.me_numreaders),
            readersMax: Int(information.me_maxreaders),
            disk: diskSpace(),
            isDiskNearlyFull: isDiskNearlyFull.load(ordering: .relaxed),
            reopens: reopens.load(ordering: .relaxed),
            outageMicroseconds: outageNanoseconds.load(ordering: .relaxed) / 1_000,
            copiesTooCostly: copiesTooCostly.load(ordering: .relaxed),
            staleReaders: staleReaders.load(ordering: .relaxed),
            tables: sizes)
    }

    /// The oldest commit that a reader still looks at. `mdb_reader_list`.
    ///
    /// LMDB only gives the slots as text: a line each, with process, thread and transaction or `-`.
    private func oldestSnapshot(besides own: UInt64) throws(StoreError) -> UInt64 {
        var oldest = own
        // Safe: the callback runs within the call and gets the pointer to `oldest` back.
        _ = try unsafe lend { handle in
            unsafe mdb_reader_list(
                handle,
                { line, context in
                    let oldest = unsafe context!.assumingMemoryBound(to: UInt64.self)
                    let words = unsafe String(cString: line!).split(whereSeparator: \.isWhitespace)
                    if let found = words.last.flatMap({ UInt64($0) }), words.count == 3 {
                        unsafe oldest.pointee = min(oldest.pointee, found)
                    }
                    return 0
                }, &oldest)
        }
        return oldest
    }
}
