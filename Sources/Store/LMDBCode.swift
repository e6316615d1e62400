// SPDX-License-Identifier: Apache-2.0

internal import CLMDB

/// A number that an LMDB call returned: one of LMDB's own (negative) or an `errno`.
package struct LMDBCode: RawRepresentable, Hashable, Sendable {
    /// The number as LMDB returned it.
    package let rawValue: Int32

    /// The code with this number.
    package init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Nothing went wrong. `MDB_SUCCESS`.
    package static let success = LMDBCode(rawValue: MDB_SUCCESS)
    /// No such key, or the end of a scan. `MDB_NOTFOUND`.
    package static let notFound = LMDBCode(rawValue: MDB_NOTFOUND)
    /// A page that must be there is not: the file is damaged. `MDB_PAGE_NOTFOUND`.
    package static let pageNotFound = LMDBCode(rawValue: MDB_PAGE_NOTFOUND)
    /// A page of the wrong type: the file is damaged. `MDB_CORRUPTED`.
    package static let corrupted = LMDBCode(rawValue: MDB_CORRUPTED)
    /// A meta page could not be written; every later call fails until a reopen. `MDB_PANIC`.
    package static let panic = LMDBCode(rawValue: MDB_PANIC)
    /// The file was written by another version of LMDB. `MDB_VERSION_MISMATCH`.
    package static let versionMismatch = LMDBCode(rawValue: MDB_VERSION_MISMATCH)
    /// The file is not an LMDB file. `MDB_INVALID`.
    package static let invalid = LMDBCode(rawValue: MDB_INVALID)
    /// The map has no page left. `MDB_MAP_FULL`.
    package static let mapFull = LMDBCode(rawValue: MDB_MAP_FULL)
    /// No reader slot is left. `MDB_READERS_FULL`.
    package static let readersFull = LMDBCode(rawValue: MDB_READERS_FULL)
    /// The transaction has too many dirty pages. `MDB_TXN_FULL`.
    package static let transactionFull = LMDBCode(rawValue: MDB_TXN_FULL)
    /// The transaction failed before, or is reset. `MDB_BAD_TXN`.
    package static let badTransaction = LMDBCode(rawValue: MDB_BAD_TXN)
    /// A key or value length that LMDB does not take. `MDB_BAD_VALSIZE`.
    package static let badValueSize = LMDBCode(rawValue: MDB_BAD_VALSIZE)

    /// LMDB's or the system's own words for it. `mdb_strerror`.
    package var text: String {
        // Safe: mdb_strerror returns a static string for its own codes and strerror's for the others.
        unsafe String(cString: mdb_strerror(rawValue))
    }
}
