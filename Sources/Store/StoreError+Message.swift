// SPDX-License-Identifier: Apache-2.0

extension StoreError {
    /// What happened, and what to do about it, in one or two sentences.
    package var message: String {
        openingMessage ?? transactionMessage
    }

    private var openingMessage: String? {
        switch self {
        case .notADirectory(let path):
            "\(path) is not a directory. Give a directory for the data, or move that file away."
        case .noParentDirectory(let path):
            "The directory above \(path) does not exist. Create it; only the last part is made."
        case .permissionDenied(let path):
            "No permission for \(path). Give this process's user read and write access to it."
        case .readOnlyFilesystem(let path):
            "\(path) is on a read-only filesystem. Remount it read-write, or choose another path."
        case .lockedByAnotherProcess(let path, let processID):
            "\(path) is in use by \(processID > 0 ? "process \(processID)" : "another process")."
                + " Stop that process, or choose another directory."
        case .alreadyOpen(let path):
            "\(path) is open in this process already. Share the one environment."
        case .truncated(let path, let byteCount, let expectedByteCount):
            "\(path) has \(byteCount) bytes and should have at least \(expectedByteCount)."
                + " It was cut; do not start on it. Restore the newest snapshot."
        case .foreignFile(let path, let reason):
            "\(path) is not a data file of this store: \(reason)."
                + " Choose another directory, or move it away and restore a snapshot."
        case .newerFormat(let path, let found, let supported):
            "\(path) has format \(found); this release reads up to \(supported)."
                + " Start the release that wrote it, or a newer one."
        case .alreadyExists(let path):
            "\(path) is there already and not empty. Nothing was changed; choose another name."
        case .badSnapshot(let path, let reason):
            "\(path) is not a whole snapshot: \(reason). Use another one."
        case .copyInProgress:
            "Another copy of this store is being made. Wait until it is done."
        case .copyTooCostly(.seconds(let seconds)):
            "The copy was given up, because it had held its snapshot for \(seconds) s. Nothing is left of it."
                + " Let it go faster, or give it more time."
        case .copyTooCostly(.growth(let bytes)):
            "The copy was given up, because the data file had grown by \(bytes) bytes meanwhile: what is"
                + " freed under a copy cannot be used again. Nothing is left of it. Let it go faster, or"
                + " make it when fewer writes come."
        case .copyCancelled:
            "The copy was given up because the server is stopping. Nothing is left of it."
        case .olderCopy(let path, let sequence, let noted):
            "The data in \(path) is older than what was there: it ends with write \(sequence), and"
                + " write \(noted) was synced. Put the newer file back; or, if the loss is meant,"
                + " delete \(path)/\(SequenceNote.fileName)."
        case .noAddressSpace(let mapBytes):
            "There is no address space for a map of \(mapBytes) bytes."
                + " Raise the limit (ulimit -v), or lower the map size."
        default:
            nil
        }
    }

    private var transactionMessage: String {
        switch self {
        case .keyLength(let length):
            "A key has \(length) bytes; it may have 1 to \(Limits.keyBytes.upperBound)."
        case .valueTooLarge(let length):
            "A value has \(length) bytes; it may have up to \(Limits.valueBytesMax)."
        case .unalignedLength(let length):
            "A key or value has \(length) bytes; in this table lengths are multiples of 8."
        case .readersFull:
            "All reader slots are taken. Raise readersMax above the number of loops, plus 16."
        case .noSnapshot:
            "A read was tried between reset and renew. This is a bug of the server; report it."
        case .mapFull:
            "The map is full. Delete data or raise the map size; reads go on."
        case .diskFull:
            "The filesystem is nearly full. Free some space; writes then go on by themselves."
        case .damaged(let code):
            "The data file is damaged (\(code.text)). Stop, and restore the newest snapshot."
        case .writeFailed(let number):
            "Writing failed (\(LMDBCode(rawValue: number).text)); the store is read-only now."
                + " Check the disk, then restart; verify the data before you trust it."
        case .readOnlyLatched:
            "The store is read-only since a write failed. Check the disk, then restart."
        case .panicked:
            "LMDB could not write its meta page and stopped, reads too; it is being opened again."
                + " If this lasts, check the disk and its free space."
        case .unexpected(let code, let call):
            "\(call) failed: \(code.text)."
        case .queueFull:
            "The write queue is full. Slow down and try again."
        case .commandTooLarge:
            "A write has more records or bytes than one group takes. Split it."
        case .stopped:
            "The writer has stopped. Nothing was written."
        case .rejected:
            "The write was refused by its own check. Nothing was written."
        default:
            "The store could not be opened."
        }
    }
}
