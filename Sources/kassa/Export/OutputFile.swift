// SPDX-License-Identifier: Apache-2.0

internal import Files
internal import Glibc

/// Where an export goes: standard output, or a file that is there whole or not at all.
struct OutputFile: ~Copyable {
    /// Bytes that are gathered before they are written.
    static let chunkByteCount = 256 << 10

    private let path: String?
    private let descriptor: Int32
    private var bytes: [UInt8] = []
    private var isFinished = false

    /// Begins a file beside `path`, or takes standard output for none.
    init(_ path: String?) throws(CommandError) {
        self.path = path
        guard let path else {
            descriptor = STDOUT_FILENO
            return
        }
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
        // Safe: Swift passes a NUL-terminated copy of the path for the call.
        descriptor = unsafe open(path + Files.temporarySuffix, flags, 0o600)
        guard descriptor >= 0 else { throw Self.failure("create", path) }
    }

    deinit {
        guard let path, !isFinished else { return }
        close(descriptor)
        // Safe: Swift passes a NUL-terminated copy of the path for the call.
        unsafe unlink(path + Files.temporarySuffix)
    }

    /// Appends a line.
    mutating func append(_ line: String) throws(CommandError) {
        bytes += line.utf8
        bytes.append(UInt8(ascii: "\n"))
        if bytes.count >= Self.chunkByteCount { try flush() }
    }

    /// Puts the file in its place, synced.
    mutating func finish() throws(CommandError) {
        try flush()
        guard let path else { return }
        guard fsync(descriptor) == 0 else { throw Self.failure("sync", path) }
        // Safe: Swift passes NUL-terminated copies of both paths for the call.
        guard unsafe rename(path + Files.temporarySuffix, path) == 0 else {
            throw Self.failure("replace", path)
        }
        close(descriptor)
        isFinished = true
    }

    private mutating func flush() throws(CommandError) {
        var written = 0
        while written < bytes.count {
            // Safe: the source is the rest of the array.
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe write(
                    descriptor, buffer.baseAddress! + written, buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure("write", path ?? "standard output") }
            written += count
        }
        bytes.removeAll(keepingCapacity: true)
    }

    private static func failure(_ action: String, _ path: String) -> CommandError {
        // Safe: strerror returns a C string which is copied at once.
        .failed("cannot \(action) \(path): \(unsafe String(cString: strerror(errno)))")
    }
}
