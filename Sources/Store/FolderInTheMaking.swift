// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Glibc

/// A folder that grows under a temporary name beside its own, and gets its own once it is whole and
/// synced; removed, if that does not come about.
struct FolderInTheMaking: ~Copyable {
    /// Where it grows.
    let temporary: String
    private let path: String
    private var names: [String] = []
    private var folders: [String] = []
    private var isFinished = false

    private static let suffix = ".partial"
    private static let chunkBytes = 1 << 20

    /// Begins the folder `path`; there must be nothing yet, or an empty folder.
    ///
    /// What an interrupted attempt left is removed.
    init(path: String) throws(StoreError) {
        var path = path
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        self.path = path
        temporary = path + Self.suffix
        guard try Self.isAbsentOrEmpty(path) else { throw .alreadyExists(path: path) }
        Self.removeTree(temporary)
        guard unsafe mkdir(temporary, 0o700) == 0 else {
            if errno == ENOENT { throw .noParentDirectory(path: path) }
            throw SystemCall.failure(path: temporary, call: "mkdir")
        }
    }

    deinit {
        if !isFinished { Self.removeTree(temporary) }
    }

    /// Copies the file `source` to `name`, synced; returns its size and hash.
    mutating func copy(
        _ source: String, to name: String
    ) throws(StoreError) -> SnapshotManifest.File {
        try makeFolders(above: name)
        let target = "\(temporary)/\(name)"
        let output = unsafe open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw SystemCall.failure(path: target, call: "open") }
        defer { close(output) }
        let file = try Self.digest(source, name: name) { (bytes) throws(StoreError) in
            try Self.write(bytes, to: output, path: target)
        }
        guard fsync(output) == 0 else { throw SystemCall.failure(path: target, call: "fsync") }
        return file
    }

    /// Writes `text` to `name`, synced.
    func write(_ text: String, to name: String) throws(StoreError) {
        let target = "\(temporary)/\(name)"
        let output = unsafe open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw SystemCall.failure(path: target, call: "open") }
        defer { close(output) }
        try Self.write(Array(text.utf8).span, to: output, path: target)
        guard fsync(output) == 0 else { throw SystemCall.failure(path: target, call: "fsync") }
    }

    /// Syncs the file `name`, which somebody else wrote; returns its size and hash.
    func adopt(_ name: String) throws(StoreError) -> SnapshotManifest.File {
        let target = "\(temporary)/\(name)"
        let descriptor = unsafe open(target, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemCall.failure(path: target, call: "open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw SystemCall.failure(path: target, call: "fsync")
        }
        return try Self.digest(target, name: name) { (_) throws(StoreError) in }
    }

    /// Gives the folder its name. Nothing of it is left to be lost in a power cut.
    consuming func finish() throws(StoreError) {
        for folder in folders { try SystemCall.syncDirectory(path: "\(temporary)/\(folder)") }
        try SystemCall.syncDirectory(path: temporary)
        // It takes the place of an empty folder, and of nothing else.
        guard unsafe rename(temporary, path) == 0 else {
            switch errno {
            case ENOTEMPTY, EEXIST, ENOTDIR: throw .alreadyExists(path: path)
            default: throw SystemCall.failure(path: path, call: "rename")
            }
        }
        isFinished = true
        try SystemCall.syncDirectory(path: path + "/..")
    }

    /// Reads the file `path`, lends `body` each part, and returns its size and hash.
    static func digest(
        _ path: String, name: String, _ body: (Span<UInt8>) throws(StoreError) -> Void
    ) throws(StoreError) -> SnapshotManifest.File {
        let input = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard input >= 0 else { throw SystemCall.failure(path: path, call: "open") }
        defer { close(input) }
        var chunk = [UInt8](repeating: 0, count: chunkBytes)
        var hasher = SHA256()
        var byteCount: UInt64 = 0
        while true {
            let count = unsafe read(input, &chunk, chunkBytes)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SystemCall.failure(path: path, call: "read") }
            if count == 0 { break }
            let part = chunk.span.extracting(first: count)
            hasher.update(part)
            try body(part)
            byteCount += UInt64(count)
        }
        return SnapshotManifest.File(
            name: name, byteCount: byteCount, digest: hexadecimal(hasher.finish()))
    }

    private static func write(
        _ bytes: Span<UInt8>, to output: Int32, path: String
    ) throws(StoreError) {
        var written = 0
        while written < bytes.count {
            // Safe: the source is the rest of the span.
            let count = unsafe bytes.withUnsafeBufferPointer { buffer in
                unsafe Glibc.write(output, buffer.baseAddress! + written, buffer.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw SystemCall.failure(path: path, call: "write") }
            written += count
        }
    }

    private mutating func makeFolders(above name: String) throws(StoreError) {
        var folder = ""
        for part in name.split(separator: "/").dropLast() {
            folder += folder.isEmpty ? String(part) : "/\(part)"
            if folders.contains(folder) { continue }
            guard unsafe mkdir("\(temporary)/\(folder)", 0o700) == 0 else {
                throw SystemCall.failure(path: "\(temporary)/\(folder)", call: "mkdir")
            }
            folders.append(folder)
        }
    }

    private static func isAbsentOrEmpty(_ path: String) throws(StoreError) -> Bool {
        guard let directory = unsafe opendir(path) else {
            switch errno {
            case ENOENT: return true
            case ENOTDIR: return false
            default: throw SystemCall.failure(path: path, call: "opendir")
            }
        }
        defer { unsafe closedir(directory) }
        // Besides `.` and `..`.
        var count = 0
        while unsafe readdir(directory) != nil { count += 1 }
        return count <= 2
    }

    /// Removes `path` with everything below it, as far as that goes; follows no link.
    private static func removeTree(_ path: String) {
        if unsafe unlink(path) == 0 || errno != EISDIR { return }
        guard let directory = unsafe opendir(path) else { return }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            // Safe: d_name ends with a zero byte and is copied before the next call.
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        unsafe closedir(directory)
        for name in names { removeTree("\(path)/\(name)") }
        unsafe rmdir(path)
    }
}
