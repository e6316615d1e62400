// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Snapshots on disk, made by ``Environment/snapshot(to:files:at:)``.
package enum Snapshot {
    /// Checks that the snapshot in `folder` is whole: the manifest, each file's size and hash, and then
    /// every page and entry of the data.
    ///
    /// - Throws: `badSnapshot`, naming the file; `newerFormat`; `damaged`.
    /// - Complexity: it reads everything twice.
    package static func verify(_ folder: String) throws(StoreError) -> SnapshotManifest {
        let manifest = try readManifest(folder)
        for file in manifest.files {
            let found = try FolderInTheMaking.digest(
                "\(folder)/\(file.name)", name: file.name
            ) { (_) throws(StoreError) in }
            try check(found, file, folder)
        }
        try inspect("\(folder)/\(SnapshotManifest.dataName)", manifest, folder)
        return manifest
    }

    /// Makes the data directory `target` out of the snapshot in `folder`; the caller's files come back
    /// under their names. The hashes are checked on the way, and the data is looked through before
    /// `target` appears, whole or not at all.
    ///
    /// - Throws: as ``verify(_:)``; `alreadyExists`, if `target` holds anything; `diskFull`.
    package static func restore(
        _ folder: String, to target: String
    ) throws(StoreError) -> SnapshotManifest {
        let manifest = try readManifest(folder)
        var making = try FolderInTheMaking(path: target)
        let needed = manifest.files.reduce(0) { $0 &+ $1.byteCount }
        if let disk = SystemCall.diskSpace(path: making.temporary), disk.freeBytes < needed {
            throw .diskFull
        }
        for file in manifest.files {
            let found = try making.copy("\(folder)/\(file.name)", to: file.name)
            try check(found, file, folder)
        }
        try inspect("\(making.temporary)/\(SnapshotManifest.dataName)", manifest, folder)
        try making.finish()
        return manifest
    }

    private static func readManifest(_ folder: String) throws(StoreError) -> SnapshotManifest {
        let path = "\(folder)/\(SnapshotManifest.fileName)"
        var bytes: [UInt8] = []
        do throws(StoreError) {
            _ = try FolderInTheMaking.digest(path, name: "") { (part) throws(StoreError) in
                guard bytes.count + part.count <= SnapshotManifest.byteCountMax else {
                    throw .badSnapshot(path: folder, reason: "its manifest is too large")
                }
                for index in part.indices { bytes.append(part[index]) }
            }
        } catch .unexpected {
            throw .badSnapshot(path: folder, reason: "it has no manifest that can be read")
        }
        guard let manifest = SnapshotManifest(text: String(decoding: bytes, as: UTF8.self)) else {
            throw .badSnapshot(path: folder, reason: "its manifest is foreign, cut or changed")
        }
        guard manifest.formatVersion <= Environment.formatVersion else {
            throw .newerFormat(
                path: folder, found: manifest.formatVersion, supported: Environment.formatVersion)
        }
        return manifest
    }

    private static func check(
        _ found: SnapshotManifest.File, _ expected: SnapshotManifest.File, _ folder: String
    ) throws(StoreError) {
        guard found.byteCount == expected.byteCount else {
            throw .badSnapshot(
                path: folder,
                reason: "\(expected.name) has \(found.byteCount) bytes, not \(expected.byteCount)")
        }
        guard found.digest == expected.digest else {
            throw .badSnapshot(path: folder, reason: "\(expected.name) has been changed")
        }
    }

    private static func inspect(
        _ path: String, _ manifest: SnapshotManifest, _ folder: String
    ) throws(StoreError) {
        let found = try DataFileInspection(path: path)
        guard found.formatVersion == manifest.formatVersion,
            found.sequence == manifest.sequence, found.entries == manifest.entries
        else {
            throw .badSnapshot(path: folder, reason: "its data is not what its manifest says")
        }
    }
}
