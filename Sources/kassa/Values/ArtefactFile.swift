// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Glibc

/// A model's artefact on disk, read in chunks: it is never in memory whole.
struct ArtefactFile: ~Copyable {
    /// Bytes that are read at once, and sent in one message.
    static let chunkByteCount = 256 << 10

    let path: String
    private let descriptor: Int32

    init(_ path: String) throws(CommandError) {
        self.path = path
        // Safe: Swift passes a NUL-terminated copy of the path for the call.
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
    }

    deinit {
        close(descriptor)
    }

    /// The bytes from `offset` on, up to a chunk of them; nil at the end of the file.
    func chunk(at offset: Int) throws(CommandError) -> [UInt8]? {
        var chunk = [UInt8](repeating: 0, count: Self.chunkByteCount)
        while true {
            // Safe: pread writes at most the room that it is told of.
            let count = unsafe chunk.withUnsafeMutableBytes { room in
                unsafe pread(descriptor, room.baseAddress, room.count, offset)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.failure("read", path) }
            guard count > 0 else { return nil }
            chunk.removeSubrange(count...)
            return chunk
        }
    }

    /// The SHA-256 and the size of the file.
    func digest() throws(CommandError) -> (sha256: [UInt8], byteCount: UInt64) {
        var hash = SHA256()
        var byteCount = 0
        while let chunk = try chunk(at: byteCount) {
            hash.update(chunk.span)
            byteCount += chunk.count
        }
        return (hash.finish(), UInt64(byteCount))
    }

    private static func failure(_ action: String, _ path: String) -> CommandError {
        // Safe: strerror returns a C string which is copied at once.
        .failed("cannot \(action) the artefact \(path): \(unsafe String(cString: strerror(errno)))")
    }
}
