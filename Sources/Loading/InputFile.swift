// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Glibc

/// The file that is loaded, read in chunks from wherever a load goes on.
package struct InputFile: ~Copyable {
    /// Its length in bytes when it was opened.
    package let byteCount: Int
    /// Device, inode, length and time of change: another file, or a changed one, has another.
    package let identity: String
    private let path: String
    private let descriptor: Int32

    /// Opens `path`, a regular file.
    package init(_ path: String) throws(LoadError) {
        // Safe here and below: Swift passes NUL-terminated copies of strings for the call.
        let opened = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else { throw Self.failure(path) }
        var information = stat()
        guard unsafe fstat(opened, &information) == 0 else {
            close(opened)
            throw Self.failure(path)
        }
        guard information.st_mode & S_IFMT == S_IFREG else {
            close(opened)
            throw .unreadable(path: path, reason: "it is not a regular file")
        }
        byteCount = Int(information.st_size)
        identity =
            "\(information.st_dev):\(information.st_ino):\(information.st_size):"
            + "\(information.st_mtim.tv_sec).\(information.st_mtim.tv_nsec)"
        self.path = path
        descriptor = opened
    }

    deinit {
        close(descriptor)
    }

    /// Appends what follows from `offset` on, up to a chunk; false at the end of the file.
    func read(at offset: Int, into buffer: inout ByteBuffer) throws(LoadError) -> Bool {
        var received = 0
        // Safe: pread writes at most the room that it is told of.
        unsafe buffer.appendUninitialized(LoadingLimits.chunkByteCount) { room in
            repeat {
                received = unsafe pread(descriptor, room.baseAddress, room.count, offset)
            } while received < 0 && errno == EINTR
            return max(received, 0)
        }
        guard received >= 0 else { throw Self.failure(path) }
        return received > 0
    }

    private static func failure(_ path: String) -> LoadError {
        // Safe: strerror returns a C string, which is copied at once.
        .unreadable(path: path, reason: unsafe String(cString: strerror(errno)))
    }
}
