// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension Files {
    /// Replaces the file `path` by one that holds `bytes`, durably and all at once.
    ///
    /// The bytes go to a temporary name beside it, are synced, and the name is moved; then the
    /// folder is synced.
    package static func write(_ bytes: Span<UInt8>, to path: String) throws(FileError) {
        let temporary = path + temporarySuffix
        do throws(FileError) {
            try writeTemporary(bytes, temporary)
            // Safe: Swift passes NUL-terminated copies of both paths for the call.
            guard unsafe rename(temporary, path) == 0 else { throw FileError("replace", path) }
        } catch {
            unsafe unlink(temporary)
            throw error
        }
        try syncFolder(folder(of: path))
    }

    private static func writeTemporary(_ bytes: Span<UInt8>, _ path: String) throws(FileError) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw FileError("create", path) }
        var written = 0
        while written < bytes.count {
            // Safe: the source is the rest of the span.
            let count = unsafe bytes.withUnsafeBufferPointer { buffer in
                unsafe Glibc.write(file, buffer.baseAddress! + written, buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            written += count
        }
        guard written == bytes.count, fsync(file) == 0 else {
            let error = FileError("write", path)
            close(file)
            throw error
        }
        guard close(file) == 0 else { throw FileError("write", path) }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
