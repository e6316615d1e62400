// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CLMDB
internal import Glibc
internal import Synchronization

/// Closing and opening LMDB again under running loops, after it has given up (MDB_PANIC).
///
/// Both handles must never be open at once: closing the first would free the reader slots of the
/// second, since LMDB finds them by the process number. So new turns are refused (`panicked`), those
/// in progress are waited for, and each reader begins anew at its next renew.
extension Environment {
    /// How long one attempt waits for readers to end their turns.
    private static let patienceNanoseconds: UInt64 = 50_000_000
    private static let pollMicroseconds: UInt32 = 200

    /// Closes LMDB and opens it again; on the writer's thread, while the health is `panicked`.
    ///
    /// - Throws: `panicked`, when a reader has not ended its turn yet; or why the file did not open.
    ///   To be called again then.
    func reopen() throws(StoreError) {
        let started = MonotonicTime.now()
        while !state.withLock({ $0.closeIfUnused() }) {
            guard MonotonicTime.now().nanoseconds(since: started) < Self.patienceNanoseconds else {
                throw .panicked
            }
            usleep(Self.pollMicroseconds)
        }
        let file = path + "/data.mdb"
        guard try DataFileHeader.check(path: file) != nil else {
            throw .foreignFile(path: file, reason: "it is gone or empty")
        }
        let opened = try OpenedEnvironment(
            path: path, mapBytes: mapBytes, readersMax: readersMax, tables: definitions)
        // The loops go on with the tables they asked for at start.
        guard opened.tables == tables && opened.sequence >= note.read() ?? 0 else {
            unsafe mdb_env_close(opened.handle)
            throw .damaged(.invalid)
        }
        dataDescriptor.store(opened.dataDescriptor, ordering: .relaxed)
        state.withLock { unsafe $0.handle = opened.handle }
        unsafe writerHandle = opened.handle
        let outage = MonotonicTime.now().nanoseconds &- panicked.load(ordering: .relaxed)
        outageNanoseconds.wrappingAdd(outage, ordering: .relaxed)
        reopens.wrappingAdd(1, ordering: .relaxed)
        health.store(.writable, ordering: .releasing)
    }

    /// Lends `body` LMDB's handle, which is not closed meanwhile. For control work.
    func lend<Result>(
        _ body: (OpaquePointer) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let lent = unsafe state.withLock { state -> Lease? in
            guard let handle = unsafe state.handle else { return nil }
            state.leases += 1
            return unsafe Lease(handle: handle)
        }
        guard let lent = unsafe lent else { throw .panicked }
        defer { state.withLock { $0.leases -= 1 } }
        return try unsafe body(lent.handle)
    }
}

/// What the lock lets out, for as long as it is counted.
@unsafe private struct Lease: @unchecked Sendable {
    let handle: OpaquePointer
}
