// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension Files {
    /// The bytes of the file `path`, refused if there are more than `byteCountMax`.
    ///
    /// - Parameter isSecret: whether to refuse a file that its group or others have any access to, or that
    ///   belongs to somebody else than this process and root.
    package static func read(
        _ path: String, byteCountMax: Int, isSecret: Bool = false
    ) throws(FileError) -> [UInt8] {
        // Safe: Swift passes a NUL-terminated copy of the path for the call.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileError("open", path) }
        defer { close(file) }
        var information = stat()
        guard unsafe fstat(file, &information) == 0 else { throw FileError("read", path) }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw FileError("read", path, reason: "it is not a regular file")
        }
        if isSecret { try checkSecrecy(of: information, path) }
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

    private static func checkSecrecy(of file: stat, _ path: String) throws(FileError) {
        guard file.st_mode & (S_IRWXG | S_IRWXO) == 0 else {
            throw FileError(
                "read", path, reason: "others than its owner have access to it; chmod 600 it")
        }
        guard file.st_uid == geteuid() || file.st_uid == 0 else {
            throw FileError("read", path, reason: "it belongs to another user")
        }
    }
}
