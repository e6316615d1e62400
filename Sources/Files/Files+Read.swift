// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension Files {
    /// The bytes of the file `path`, refused if there are more than `byteCountMax`.
    package static func read(_ path: String, byteCountMax: Int) throws(FileError) -> [UInt8] {
        // Safe: Swift passes a NUL-terminated copy of the path for the call.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileError("open", path) }
        defer { close(file) }
        var information = stat()
        guard unsafe fstat(file, &information) == 0 else { throw FileError("read", path) }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw FileError("read", path, reason: "it is not a regular file")
        }
        let byteCount = Int(information.st_size)
        guard byteCount <= byteCountMax else {
            throw FileError(
                "read", path, reason: "it has \(byteCount) bytes, more than \(byteCountMax)")
        }
        var bytes = [UInt8](repeating: 0, count: byteCount)
        var received = 0
        while received < byteCount {
            // Safe: the destination is the rest of the array.
            let count = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
                unsafe Glibc.read(file, buffer.baseAddress! + received, byteCount - received)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError("read", path) }
            guard count > 0 else { throw FileError("read", path, reason: "it shrank meanwhile") }
            received += count
        }
        return bytes
    }
}
