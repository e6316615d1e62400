// SPDX-License-Identifier: Apache-2.0

package import Base
internal import CLMDB
internal import Glibc
internal import Synchronization

extension Environment {
    /// Makes the folder `folder`: a compact copy of the data as of one moment, the caller's `files`
    /// beside it (by their names in the snapshot), and a manifest with the hash of each.
    ///
    /// Writes go on meanwhile, but no page freed since can be reused. The folder appears whole or not at
    /// all, and nothing is ever overwritten. Blocks for as long as the disks need: for control work.
    ///
    /// `find` is lent every entry of the copy and may name a further file for it: so the files are those
    /// that the copied data refers to, whatever is changed meanwhile.
    ///
    /// - Throws: `copyTooCostly`, when the limits of `pace` are met; `alreadyExists`; `diskFull`, found before anything is copied where the sizes are known;
    ///   `copyInProgress`, if another copy of this environment is being made; `badSnapshot`, if the copy
    ///   does not verify. The names of `files` are checked (`badSnapshot`).
    package func snapshot(
        to folder: String, files: [SnapshotSource] = [], at time: Timestamp = .now(),
        pace: CopyPace = CopyPace(),
        find: FindFile = { _, _, _ in nil }
    ) throws(StoreError) -> SnapshotManifest {
        try Self.check(files, folder)
        return try copying { () throws(StoreError) in
            var making = try FolderInTheMaking(path: folder)
            let (data, found, others) = try copyData(into: making, pace, find)
            var manifest = SnapshotManifest(
                formatVersion: found.formatVersion, sequence: found.sequence, time: time,
                entries: found.entries, files: [data])
            let files = files + others
            try Self.check(files, folder)
            faults.hit(.snapshotCopied)
            for file in files {
                try checkCopy()
                if let copied = try Self.copy(file, into: &making) {
                    manifest.files.append(copied)
                }
            }
            try making.write(manifest.text, to: SnapshotManifest.fileName)
            try checkCopy()
            faults.hit(.snapshotWhole)
            try making.finish()
            faults.hit(.snapshotNamed)
            return manifest
        }
    }

    /// Makes a data directory `folder` with a compact copy of the data as of one moment.
    ///
    /// LMDB never gives pages back to the filesystem; stop the server and put this in the place of the
    /// data directory, and it is as small as its entries. What was written since is not in it.
    ///
    /// `files`, and what `find` names for entries, are copied too, as in a snapshot.
    ///
    /// - Throws: as ``snapshot(to:files:at:find:)``.
    /// - Returns: the bytes of the new data file.
    package func compact(
        to folder: String, files: [SnapshotSource] = [], pace: CopyPace = CopyPace(),
        find: FindFile = { _, _, _ in nil }
    ) throws(StoreError) -> UInt64 {
        try copying { () throws(StoreError) in
            var making = try FolderInTheMaking(path: folder)
            let (data, _, others) = try copyData(into: making, pace, find)
            let files = files + others
            try Self.check(files, folder)
            for file in files { _ = try Self.copy(file, into: &making) }
            try making.finish()
            return data.byteCount
        }
    }

    /// Names the file that an entry refers to, if it refers to one.
    package typealias FindFile = (
        _ table: String, _ key: Span<UInt8>, _ value: Span<UInt8>
    ) -> SnapshotSource?

    /// Copies a file, which must be what it is known to be: a copy of damage is no copy. Nil for an optional
    /// one that is not there.
    private static func copy(
        _ file: SnapshotSource, into making: inout FolderInTheMaking
    ) throws(StoreError) -> SnapshotManifest.File? {
        // Safe: Swift passes NUL-terminated copies of the paths for the calls.
        func isGone() -> Bool { unsafe access(file.path, F_OK) != 0 && errno == ENOENT }
        guard !file.isOptional || !isGone() else { return nil }
        let copied: SnapshotManifest.File
        do throws(StoreError) {
            copied = try making.copy(file.path, to: file.name)
        } catch {
            guard file.isOptional, isGone() else { throw error }
            _ = unsafe unlink("\(making.temporary)/\(file.name)")
            return nil
        }
        guard file.digest == nil || copied.digest == file.digest else {
            throw .badSnapshot(
                path: making.temporary, reason: "the source of \(file.name) is damaged")
        }
        return copied
    }

    private static func check(
        _ files: [SnapshotSource], _ folder: String
    ) throws(StoreError) {
        var names = Set([SnapshotManifest.dataName])
        for file in files {
            guard SnapshotManifest.isSafe(name: file.name), names.insert(file.name).inserted else {
                throw .badSnapshot(path: folder, reason: "a file cannot be called \(file.name)")
            }
        }
    }

    /// Copies the data, syncs the copy and looks through it.
    private func copyData(
        into making: borrowing FolderInTheMaking, _ pace: CopyPace, _ find: FindFile
    ) throws(StoreError) -> (SnapshotManifest.File, DataFileInspection, [SnapshotSource]) {
        try checkCopy()
        let temporary = making.temporary
        let sizes = try statistics()
        let needed = (sizes.usedPages - min(sizes.freePages, sizes.usedPages)) * sizes.pageBytes
        if let disk = SystemCall.diskSpace(path: temporary), disk.freeBytes < needed {
            throw .diskFull
        }
        let path = "\(temporary)/\(SnapshotManifest.dataName)"
        var code = try copyEnvironment(to: path, flags: UInt32(MDB_CP_COMPACT), pace)
        // Where LMDB once lost track of a page it cannot compact, and says so with a code of its own.
        if code < 0 && code != MDB_PANIC {
            unsafe unlink(path)
            code = try copyEnvironment(to: path, flags: 0, pace)
        }
        try checkCopy()
        guard code >= 0 else { throw StoreError(code, call: "mdb_env_copyfd2") }
        guard code == 0 else {
            throw SystemCall.failure(code, path: path, call: "mdb_env_copyfd2")
        }
        let file = try making.adopt(SnapshotManifest.dataName)
        try checkCopy()
        var files: [SnapshotSource] = []
        var names: Set<String> = []
        let found = try DataFileInspection(path: path) { table, key, value in
            if let file = find(table, key, value), names.insert(file.name).inserted {
                files.append(file)
            }
            return true
        }
        return (file, found, files)
    }

    private func copying<Result>(
        _ body: () throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        guard !isCopying.exchange(true, ordering: .acquiringAndReleasing) else {
            throw .copyInProgress
        }
        defer { isCopying.store(false, ordering: .releasing) }
        return try body()
    }
}
