// SPDX-License-Identifier: Apache-2.0

internal import Store

extension EngineError {
    /// What a failure of the store means to a caller.
    init(_ error: StoreError) {
        self.init(
            Self.kind(of: error), "store: \(error.message)",
            retryMilliseconds: Self.retryMilliseconds(after: error),
            isFromStore: Self.kind(of: error) != .invalidArgument)
    }

    /// What passes by itself: a queue, other readers, a reopening. A full map or disk does not.
    private static func retryMilliseconds(after error: StoreError) -> UInt32? {
        switch error {
        case .queueFull, .readersFull, .panicked: EngineLimits.queueRetryMilliseconds
        default: nil
        }
    }

    private static func kind(of error: StoreError) -> Kind {
        switch error {
        case .notADirectory, .noParentDirectory, .permissionDenied, .readOnlyFilesystem,
            .lockedByAnotherProcess, .alreadyOpen, .truncated, .foreignFile, .newerFormat,
            .olderCopy, .noAddressSpace, .copyInProgress, .copyCancelled:
            .unavailable
        case .keyLength, .valueTooLarge, .unalignedLength, .commandTooLarge:
            .invalidArgument
        case .readersFull, .mapFull, .diskFull, .queueFull:
            .resourceExhausted
        case .copyTooCostly:
            .aborted
        case .damaged:
            .dataLoss
        case .alreadyExists:
            .alreadyExists
        case .writeFailed, .readOnlyLatched, .badSnapshot:
            .failedPrecondition
        case .panicked, .stopped:
            .unavailable
        case .unexpected, .rejected, .noSnapshot:
            .internal
        }
    }
}
