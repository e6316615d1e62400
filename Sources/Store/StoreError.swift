// SPDX-License-Identifier: Apache-2.0

/// What the store could not do.
///
/// The case is for the program; ``message`` is for the person on call and says what to do.
package enum StoreError: Error, Hashable, Sendable {
    // Opening.

    /// The path, or a part of it, is there and is not a directory.
    case notADirectory(path: String)
    /// The directory that should hold the data directory does not exist.
    case noParentDirectory(path: String)
    /// This process may not read or write the path.
    case permissionDenied(path: String)
    /// The path lies on a filesystem that is mounted read-only.
    case readOnlyFilesystem(path: String)
    /// Another process has the store open; `processID` is 0 if it left no number.
    case lockedByAnotherProcess(path: String, processID: Int32)
    /// This process has the store open already.
    case alreadyOpen(path: String)
    /// The data file is shorter than its own header says.
    case truncated(path: String, byteCount: UInt64, expectedByteCount: UInt64)
    /// The data file was not written by this store.
    case foreignFile(path: String, reason: String)
    /// The data was written by a newer release.
    case newerFormat(path: String, found: UInt64, supported: UInt64)

    /// The data file ends before a write sequence that this directory has held.
    case olderCopy(path: String, sequence: UInt64, noted: UInt64)
    /// The system gives no address space for a map of this many bytes.
    case noAddressSpace(mapBytes: Int)

    // Snapshots.

    /// A folder that is to be made is there already, and not empty; nothing was changed.
    case alreadyExists(path: String)
    /// A snapshot that is foreign, cut or changed.
    case badSnapshot(path: String, reason: String)
    /// Another snapshot or compact copy of this environment is being made.
    case copyInProgress
    /// The copy met a limit of its ``CopyPace`` and was given up; nothing is left of it.
    case copyTooCostly(CopyCost)
    /// The copy was given up, as ``Environment/cancelCopies()`` asked; nothing is left of it.
    case copyCancelled

    // Reading and writing.

    /// A key of a length outside ``Limits/keyBytes``.
    case keyLength(Int)
    /// A value longer than ``Limits/valueBytesMax``.
    case valueTooLarge(Int)
    /// A key or value length that is not a multiple of 8, in a table of which all are.
    case unalignedLength(Int)
    /// More readers than the configuration has slots for.
    case readersFull
    /// The transaction was reset and not renewed.
    case noSnapshot
    /// The map has no page left for the write.
    case mapFull
    /// The filesystem has no room left for the write.
    case diskFull
    /// LMDB found the file damaged.
    case damaged(LMDBCode)
    /// The system failed to write or to sync (`errno`); the store is read-only from here on.
    case writeFailed(errno: Int32)
    /// An earlier failure to write or to sync made the store read-only.
    case readOnlyLatched
    /// LMDB could not write its meta page and refuses every call; the writer's thread opens it again,
    /// within milliseconds if the disk lets it.
    case panicked
    /// Another code of LMDB or of the system, with the call that gave it.
    case unexpected(LMDBCode, call: String)

    // The writer.

    /// The mailbox of the writer holds as much as it may; nothing was queued.
    case queueFull
    /// A command with more records or bytes than fit into one group.
    case commandTooLarge
    /// The writer has been stopped; nothing was queued.
    case stopped
    /// The command refused itself; it knows why.
    case rejected
}
