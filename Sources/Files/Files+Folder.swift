// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension Files {
    /// Makes the folder `path`, readable by its owner only; one that is there already is no error.
    package static func makeFolder(_ path: String) throws(FileError) {
        // Safe here and below: Swift passes a NUL-terminated copy of the path for the call.
        if unsafe mkdir(path, 0o700) != 0, errno != EEXIST {
            throw FileError("make the folder", path)
        }
    }

    /// The names in the folder `path`, sorted, without "." and "..".
    package static func names(in path: String) throws(FileError) -> [String] {
        guard let directory = unsafe opendir(path) else { throw FileError("list", path) }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            // Safe: d_name is NUL-terminated and stays valid until the next readdir.
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Whether there is anything at `path`, a dangling link included.
    package static func exists(_ path: String) -> Bool {
        var information = stat()
        return unsafe lstat(path, &information) == 0
    }

    /// Removes the file `path`; a missing one is no error.
    package static func remove(_ path: String) throws(FileError) {
        if unsafe unlink(path) != 0, errno != ENOENT { throw FileError("remove", path) }
    }

    /// Makes the entries of the folder `path` durable (`fsync` of the directory).
    static func syncFolder(_ path: String) throws(FileError) {
        let folder = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw FileError("open", path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw FileError("sync", path) }
    }
}
