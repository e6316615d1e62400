// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// The right to open the store in one directory, held until deinit.
///
/// Two guards, because LMDB's own lock file misses both cases that hurt: a second process that writes
/// (`flock` on the file `lock`), and a second open in this process, whose close would drop the locks
/// of the first (a registry by device and inode).
@safe struct DirectoryLock: ~Copyable {
    private struct Identity: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    private static let open = Mutex<Set<Identity>>([])

    private let identity: Identity
    /// The lock's file, which lies on the data's filesystem and is open as long as the environment.
    let descriptor: Int32

    /// Locks the existing directory at `path`.
    init(path: String) throws(StoreError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            throw SystemCall.failure(path: path, call: "stat")
        }
        let identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        guard Self.open.withLock({ $0.insert(identity).inserted }) else {
            throw .alreadyOpen(path: path)
        }
        let descriptor: Int32
        do throws(StoreError) {
            descriptor = try Self.lock(path: path)
        } catch {
            _ = Self.open.withLock { $0.remove(identity) }
            throw error
        }
        self.identity = identity
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
        let identity = identity
        _ = Self.open.withLock { $0.remove(identity) }
    }

    /// Opens and locks the file `lock` in `path`, and leaves this process's number in it.
    private static func lock(path: String) throws(StoreError) -> Int32 {
        let file = path + "/lock"
        let descriptor = unsafe Glibc.open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemCall.failure(path: file, call: "open") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            let holder = readProcessID(descriptor)
            close(descriptor)
            guard number == EWOULDBLOCK else {
                throw .unexpected(LMDBCode(rawValue: number), call: "flock")
            }
            throw .lockedByAnotherProcess(path: path, processID: holder)
        }
        // The number only serves the other process's message: a failure to write it changes nothing.
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = unsafe pwrite(descriptor, text, text.count, 0)
        return descriptor
    }

    private static func readProcessID(_ descriptor: Int32) -> Int32 {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(count, 0)).prefix { $0 >= 0x30 && $0 <= 0x39 }
        return Int32(String(decoding: digits, as: UTF8.self)) ?? 0
    }
}
