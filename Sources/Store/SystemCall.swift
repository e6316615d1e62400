// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The system calls around LMDB's own: directories, syncs, and what their failures mean.
enum SystemCall {
    /// What the last failed call (`errno`) means for `path`.
    static func failure(path: String, call: String) -> StoreError {
        failure(errno, path: path, call: call)
    }

    /// What error number `number` of `call` means for `path`.
    static func failure(_ number: Int32, path: String, call: String) -> StoreError {
        switch number {
        case EACCES, EPERM: .permissionDenied(path: path)
        case EROFS: .readOnlyFilesystem(path: path)
        case ENOTDIR: .notADirectory(path: path)
        case ENOSPC, EDQUOT: .diskFull
        default: .unexpected(LMDBCode(rawValue: number), call: "\(call) \(path)")
        }
    }

    /// Makes the directory `path` if nothing is there, and syncs the directory above it.
    static func makeDirectory(path: String) throws(StoreError) {
        if unsafe mkdir(path, 0o700) == 0 {
            try syncDirectory(path: path + "/..")
            return
        }
        switch errno {
        case EEXIST:
            var status = stat()
            guard unsafe stat(path, &status) == 0 else { throw failure(path: path, call: "stat") }
            guard status.st_mode & S_IFMT == S_IFDIR else { throw .notADirectory(path: path) }
        case ENOENT: throw .noParentDirectory(path: path)
        default: throw failure(path: path, call: "mkdir")
        }
    }

    /// Makes the names in the directory `path` survive a power cut.
    static func syncDirectory(path: String) throws(StoreError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path: path, call: "open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(path: path, call: "fsync") }
    }

    /// What the filesystem of `path` has and still takes; nil if it does not say.
    static func diskSpace(path: String) -> DiskSpace? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return diskSpace(descriptor: descriptor)
    }

    /// What the filesystem of `descriptor` has and still takes; nil if it does not say.
    static func diskSpace(descriptor: Int32) -> DiskSpace? {
        var status = statvfs()
        guard unsafe fstatvfs(descriptor, &status) == 0 else { return nil }
        let unit = UInt64(status.f_frsize)
        return DiskSpace(
            freeBytes: UInt64(status.f_bavail).multipliedReportingOverflow(by: unit).partialValue,
            totalBytes: UInt64(status.f_blocks).multipliedReportingOverflow(by: unit).partialValue)
    }
}
