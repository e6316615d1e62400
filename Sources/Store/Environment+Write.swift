// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CLMDB
internal import Glibc
internal import Synchronization

/// The writer's side of an environment. All of it runs on the writer's thread.
extension Environment {
    /// The data file is kept this much longer than its last page.
    ///
    /// LMDB does not write a page that was allocated last and given up in the same transaction, so a
    /// file may rightly end before its last page; with this room ahead it never does, and a file that
    /// is too short has been cut. The room is a hole: it takes no disk.
    private static let roomAheadBytes: UInt64 = 256 << 20
    /// Free bytes below which a failed write is put down to the full disk and not to a broken one.
    private static let fullDiskBytes: UInt64 = 1 << 20

    /// Begins the one write transaction. `mdb_txn_begin`.
    func beginWrite() throws(StoreError) -> WriteTransaction {
        if let refusal = writeRefusal { throw refusal }
        let usedPages = usedPages
        keepRoomAhead(of: usedPages)
        // While it may still grow, what is left of it is used.
        let isMapFull = isMapNearlyFull(usedPages) && growMap() == .never
        if let refusal = writeRefusal { throw refusal }
        var begun: OpaquePointer?
        // Safe: the environment is open, and the pointer is to a local.
        let code = unsafe mdb_txn_begin(writerHandle, nil, 0, &begun)
        guard code == MDB_SUCCESS, let begun = unsafe begun else {
            throw writeFailure(code, call: "mdb_txn_begin")
        }
        var transaction = unsafe WriteTransaction(handle: begun)
        if isMapFull { transaction.putRefusal = .map }
        measureDisk()
        if isDiskNearlyFull.load(ordering: .relaxed) { transaction.putRefusal = .disk }
        return transaction
    }

    /// Commits `transaction`: its pages are synced, and its meta page is written.
    func commit(_ transaction: consuming WriteTransaction) throws(StoreError) {
        if let number = faults.hit(.commit) {
            throw writeFailure(number, call: "mdb_txn_commit")
        }
        let code = transaction.commit()
        guard code == MDB_SUCCESS else {
            if noticePanic() { throw .panicked }
            throw writeFailure(code, call: "mdb_txn_commit")
        }
    }

    /// Whether LMDB has given up, as it does when it fails to write a meta page: reads fail too then.
    private func noticePanic() -> Bool {
        var begun: OpaquePointer?
        // Safe: the environment is open, and a transaction that is begun is ended at once.
        let code = unsafe mdb_txn_begin(writerHandle, nil, UInt32(MDB_RDONLY), &begun)
        if let begun = unsafe begun { unsafe mdb_txn_abort(begun) }
        guard code == MDB_PANIC else { return false }
        notePanic()
        return true
    }

    /// Whether so much of the map is in use that it has to grow, or puts are refused.
    private func isMapNearlyFull(_ usedPages: UInt64) -> Bool {
        let pagesMax = UInt64(mapBytes) / pageBytes / 100 * Limits.mapPercentMax
        guard usedPages > pagesMax else { return false }
        let freePages = knownFreePages
        return usedPages - min(freePages, usedPages) > pagesMax
    }

    /// From now on no transaction begins, until the writer's thread has opened LMDB again.
    func notePanic() {
        panicked.store(MonotonicTime.now().nanoseconds, ordering: .relaxed)
        health.store(.panicked, ordering: .releasing)
    }

    /// Syncs what has been committed, the meta page included. `mdb_env_sync`.
    func sync() throws(StoreError) {
        // Safe: the environment is open.
        let code = unsafe faults.hit(.sync) ?? mdb_env_sync(writerHandle, 1)
        guard code == MDB_SUCCESS else {
            // No doubt about a full disk here: what Linux failed to sync it may have dropped.
            health.store(.readOnly, ordering: .releasing)
            throw .writeFailed(errno: code)
        }
    }

    /// What the code of a failed begin, write or commit means; makes the store read-only if it must.
    func writeFailure(_ code: Int32, call: StaticString) -> StoreError {
        switch code {
        case MDB_PANIC:
            notePanic()
            return .panicked
        case ENOSPC, EDQUOT:
            return .diskFull
        case EIO:
            // LMDB reports a short write, as on a full disk, as EIO.
            let disk = diskSpace()
            if disk.totalBytes > 0 && disk.freeBytes < Self.fullDiskBytes { return .diskFull }
            health.store(.readOnly, ordering: .releasing)
            return .writeFailed(errno: code)
        default:
            return StoreError(code, call: call)
        }
    }

    /// Pages up to the last one ever used. `mdb_env_info`.
    private var usedPages: UInt64 {
        var information = unsafe MDB_envinfo()
        // Safe: the environment is open, and the pointer is to a local; it cannot fail then.
        unsafe mdb_env_info(writerHandle, &information)
        return unsafe UInt64(truncatingIfNeeded: information.me_last_pgno) &+ 1
    }

    /// Pages that are free for reuse; 0, if every reader slot is taken.
    private var knownFreePages: UInt64 {
        do throws(StoreError) {
            // LMDB shows the list of free pages to read transactions only.
            return try read { (snapshot) throws(StoreError) in try snapshot.freePages() }
        } catch {
            return 0
        }
    }

    private func keepRoomAhead(of usedPages: UInt64) {
        let used = usedPages * pageBytes
        guard fileBytes.load(ordering: .relaxed) < used + Self.roomAheadBytes / 2 else { return }
        let dataDescriptor = dataDescriptor.load(ordering: .relaxed)
        let found = lseek(dataDescriptor, 0, SEEK_END)
        guard found >= 0 else { return }
        let wanted = max(UInt64(found), used + Self.roomAheadBytes)
        // Best effort: where the filesystem refuses, the check at open is only stricter than need be.
        if wanted > UInt64(found) && ftruncate(dataDescriptor, off_t(wanted)) != 0 { return }
        fileBytes.store(wanted, ordering: .relaxed)
    }
}
