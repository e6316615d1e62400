// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CLMDB
internal import Glibc
internal import Synchronization

/// LMDB's own copy of itself, by way of a pipe that can be slowed down and stopped.
extension Environment {
    /// Has LMDB copy itself to the new file `path`; returns its code.
    ///
    /// - Throws: `copyTooCostly` or `copyCancelled`; what the writing of the file met.
    func copyEnvironment(
        to path: String, flags: UInt32, _ pace: CopyPace
    ) throws(StoreError) -> Int32 {
        let output = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw SystemCall.failure(path: path, call: "open") }
        defer { close(output) }
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw SystemCall.failure(path: path, call: "pipe")
        }
        let (input, target) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(input) }
        copyTarget.withLock { $0.begin(target) }
        // The pump ends when the target is closed, so it is closed before the pump is waited for.
        let result = Result { () throws(StoreError) -> (Int32, CopyPump.Failure?) in
            // Safe: the environment is not closed while its handle is lent.
            try unsafe lend { handle in
                let before = unsafe dataBytes(handle)
                let pump = CopyPump(
                    from: input, to: output, pace: pace,
                    growthMax: pace.growthBytesMax(of: before),
                    stop: { [self] in copyTarget.withLock { $0.stop() } },
                    isCancelled: { [self] in copyTarget.withLock { $0.isCancelled } },
                    growth: { [self] in
                        let now = (try? unsafe lend { unsafe dataBytes($0) }) ?? before
                        return now - min(before, now)
                    })
                let thread = Thread(name: "copy") { pump.run() }
                let code = unsafe mdb_env_copyfd2(handle, target, flags)
                copyTarget.withLock { $0.end() }
                close(target)
                thread.join()
                return (code, pump.failure)
            }
        }
        let code: Int32
        let failure: CopyPump.Failure?
        switch result {
        case .success(let ended): (code, failure) = ended
        case .failure(let error):
            copyTarget.withLock { $0.end() }
            close(target)
            throw error
        }
        switch failure {
        case nil: return code
        case .cancelled: throw .copyCancelled
        case .system(let number): throw SystemCall.failure(number, path: path, call: "write")
        case .tooCostly(let cost):
            copiesTooCostly.wrappingAdd(1, ordering: .relaxed)
            throw .copyTooCostly(cost)
        }
    }

    /// Bytes up to the last page ever used. `mdb_env_info`.
    private func dataBytes(_ handle: OpaquePointer) -> UInt64 {
        var information = unsafe MDB_envinfo()
        // Safe: the environment is open, and the pointer is to a local; it cannot fail then.
        unsafe mdb_env_info(handle, &information)
        return unsafe (UInt64(truncatingIfNeeded: information.me_last_pgno) &+ 1) &* pageBytes
    }
}
