// SPDX-License-Identifier: Apache-2.0

internal import Files
internal import Glibc

/// A folder of our own that is gone with its owner.
struct TemporaryFolder: ~Copyable {
    let path: String

    init(named name: String) throws(CommandError) {
        let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/\(name)-XXXXXX".utf8CString)
        // Safe: mkdtemp changes the template in place, which ends in a NUL.
        guard unsafe mkdtemp(&template) != nil else {
            throw .failed("cannot make a folder in \(parent)")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        Self.removeFolder(path)
    }

    /// Removes a folder and what is in it, as far as that can be done.
    private static func removeFolder(_ path: String) {
        for name in (try? Files.names(in: path)) ?? [] {
            let entry = "\(path)/\(name)"
            do {
                try Files.remove(entry)
            } catch {
                removeFolder(entry)
            }
        }
        // Safe: Swift passes a NUL-terminated copy of the path for the call.
        _ = unsafe rmdir(path)
    }
}
