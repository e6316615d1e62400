// SPDX-License-Identifier: Apache-2.0

extension Environment {
    /// Lends `check` every entry of the data directory `path`, which nobody has open.
    ///
    /// The data file is only read: it is opened read-only and without LMDB's own locks, under the
    /// directory's lock, whose file is made if it is missing. Tables come in the order of their
    /// names, but `first` before all.
    /// LMDB trusts what it maps: a damaged value is found, a damaged page of the tree may end the process.
    ///
    /// - Throws: `lockedByAnotherProcess`; `truncated`, `foreignFile` or `newerFormat`.
    package static func inspect(
        _ path: String, first: String? = nil,
        check: (_ table: String, _ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) throws(StoreError) -> Verification {
        let file = path + "/data.mdb"
        try checkExists(path)
        let lock = try DirectoryLock(path: path)
        let found = try DataFileInspection(path: file, goesOn: true, first: first, check: check)
        _ = lock.descriptor
        guard found.formatVersion <= formatVersion else {
            throw .newerFormat(
                path: path, found: found.formatVersion, supported: formatVersion)
        }
        return Verification(
            tables: found.tables, slices: 1, longestSliceMicroseconds: 0, isStopped: false)
    }

    /// Checks that the directory `path` has a data file that could be opened.
    ///
    /// - Throws: `foreignFile`, if there is none; `truncated`.
    package static func checkExists(_ path: String) throws(StoreError) {
        let file = path + "/data.mdb"
        guard try DataFileHeader.check(path: file) != nil else {
            throw .foreignFile(path: file, reason: "it is empty or missing")
        }
    }
}
