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
    /// - Throws: `alreadyExists`; `diskFull`, found before anything is copied where the sizes are known;
    ///   `copyInProgress`, if another copy of this environment is being made; `badSnapshot`, if the copy
    ///   does not verify. The names of `files` are checked (`badSnapshot`).
    package func snapshot(
        to folder: String, files: [SnapshotSource] = [], at time: Timestamp = .now()
    ) throws(StoreError) -> SnapshotManifest {
        var names = Set([SnapshotManifest.dataName])
        for file in files {
            guard SnapshotManifest.isSafe(name: file.name), names.insert(file.name).inserted else {
                throw .badSnapshot(path: folder, reason: "a file cannot be called \(file.name)")
            }
        }
        return try copying { () throws(StoreError) in
            var making = try FolderInTheMaking(path: folder)
            let (data, found) = try copyData(into: making)
            var manifest = SnapshotManifest(
                formatVersion: found.formatVersion, sequence: found.sequence, time: time,
                entries: found.entries, files: [data])
            for file in files {
                manifest.files.append(try making.copy(file.path, to: file.name))
            }
            try making.write(manifest.text, to: SnapshotManifest.fileName)
            try making.finish()
            return manifest
        }
    }

    /// Makes a data directory `folder` with a compact copy of the data as of one moment.
    ///
    /// LMDB never gives pages back to the filesystem; stop the server and put this in the place of the
    /// data directory, and it is as small as its entries. What was written since is not in it.
    ///
    /// - Throws: as ``snapshot(to:files:at:)``.
    package func compact(to folder: String) throws(StoreError) -> UInt64 {
        try copying { () throws(StoreError) in
            let making = try FolderInTheMaking(path: folder)
            let (data, _) = try copyData(into: making)
            try making.finish()
            return data.byteCount
        }
    }

    /// Copies the data, syncs the copy and looks through it.
    private func copyData(
        into making: borrowing FolderInTheMaking
    ) throws(StoreError) -> (SnapshotManifest.File, DataFileInspection) {
        let temporary = making.temporary
        let sizes = try statistics()
        let needed = (sizes.usedPages - min(sizes.freePages, sizes.usedPages)) * sizes.pageBytes
        if let disk = SystemCall.diskSpace(path: temporary), disk.freeBytes < needed {
            throw .diskFull
        }
        let path = "\(temporary)/\(SnapshotManifest.dataName)"
        // Safe: the environment is not closed while its handle is lent.
        var code = try unsafe lend { handle in
            unsafe mdb_env_copy2(handle, temporary, UInt32(MDB_CP_COMPACT))
        }
        // Where LMDB once lost track of a page it cannot compact, and says so with a code of its own.
        if code < 0 && code != MDB_PANIC {
            unsafe unlink(path)
            code = try unsafe lend { handle in unsafe mdb_env_copy2(handle, temporary, 0) }
        }
        guard code >= 0 else { throw StoreError(code, call: "mdb_env_copy2") }
        guard code == 0 else {
            throw SystemCall.failure(code, path: path, call: "mdb_env_copy2")
        }
        let file = try making.adopt(SnapshotManifest.dataName)
        return (file, try DataFileInspection(path: path))
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
