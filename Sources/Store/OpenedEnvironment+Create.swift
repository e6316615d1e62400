// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
internal import Glibc

extension OpenedEnvironment {
    /// The folder in a data directory in which a new data file grows until it is whole.
    private static let nursery = "new"

    /// Makes a data file with empty tables in the directory `path`: whole, or not at all.
    ///
    /// LMDB writes both meta pages of a new file and syncs neither, so a power cut in that moment would
    /// leave a file that looks damaged. Here the file gets its name only once it is synced.
    static func create(
        path: String, mapBytes: Int, tables: [TableDefinition]
    ) throws(StoreError) {
        let folder = "\(path)/\(nursery)"
        removeNursery(folder)
        try SystemCall.makeDirectory(path: folder)
        let made = try OpenedEnvironment(
            path: folder, mapBytes: mapBytes, readersMax: 1, tables: tables)
        unsafe mdb_env_close(made.handle)
        guard unsafe rename("\(folder)/data.mdb", "\(path)/data.mdb") == 0 else {
            throw SystemCall.failure(path: path, call: "rename")
        }
        removeNursery(folder)
        try SystemCall.syncDirectory(path: path)
    }

    /// What a power cut left of an earlier attempt, or of this one, is of no use to anybody.
    private static func removeNursery(_ folder: String) {
        for name in ["data.mdb", "lock.mdb"] { unsafe unlink("\(folder)/\(name)") }
        unsafe rmdir(folder)
    }
}
