// SPDX-License-Identifier: Apache-2.0

internal import Documents
internal import Glibc
internal import Loading

/// The file that rejected records are listed in: a JSON object a line.
final class RejectsFile {
    private let path: String
    private let descriptor: Int32
    /// Bytes that are in the file.
    private(set) var byteCount: Int

    /// Opens `path` and keeps its first `kept` bytes: those that an interrupted load had noted.
    init(_ path: String, keeping kept: Int) throws(CommandError) {
        // Safe here and below: Swift passes NUL-terminated copies of strings for the call.
        let opened = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard opened >= 0 else { throw Self.failure("open", path) }
        self.path = path
        descriptor = opened
        byteCount = kept
        guard ftruncate(opened, off_t(kept)) == 0 else { throw Self.failure("cut", path) }
    }

    deinit {
        close(descriptor)
    }

    /// Lists `rejects` behind those before.
    func append(_ rejects: [Reject]) throws(CommandError) {
        guard !rejects.isEmpty else { return }
        var text = ""
        for reject in rejects {
            let tree = Tree.map([
                .init("line", .integer(Int64(reject.line))),
                .init("field", .text(reject.field)),
                .init("reason", .text(reject.reason)),
            ])
            text += tree.json() + "\n"
        }
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            // Safe: the source is the rest of the array.
            let count = unsafe bytes.withUnsafeBufferPointer { buffer in
                unsafe write(descriptor, buffer.baseAddress! + written, buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure("write", path) }
            written += count
        }
        byteCount += bytes.count
    }

    private static func failure(_ action: String, _ path: String) -> CommandError {
        // Safe: strerror returns a C string, which is copied at once.
        .failed(
            "cannot \(action) the rejects file \(path): \(unsafe String(cString: strerror(errno)))")
    }
}
