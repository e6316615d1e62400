// SPDX-License-Identifier: Apache-2.0

internal import Engine
internal import Glibc
internal import Synchronization

/// How much memory the models on their way in may take together.
final class UploadBudget: Sendable {
    /// Bytes of all artefacts that are being uploaded or verified: two of the largest.
    static let byteCountMax = 2 * ArtefactFiles.byteCountMax

    private let taken = Mutex(0)

    /// Part of the budget, which returns to it when the last reference to this goes.
    final class Share: Sendable {
        private let budget: UploadBudget
        private let byteCount: Int

        fileprivate init(_ budget: UploadBudget, _ byteCount: Int) {
            self.budget = budget
            self.byteCount = byteCount
        }

        deinit {
            budget.taken.withLock { $0 -= byteCount }
        }
    }

    /// Takes `byteCount` from the budget, to be held as long as memory of that size is.
    ///
    /// - Throws: `resourceExhausted`, also where the system would not give so much: to ask for it in earnest
    ///   would end the process.
    func take(_ byteCount: Int) throws(EngineError) -> Share {
        guard Self.isThere(byteCount) else {
            throw EngineError(
                .resourceExhausted, "spec.byte_count: there is no memory for so much at the moment",
                retryMilliseconds: EngineLimits.workRetryMilliseconds)
        }
        let isTaken = taken.withLock { taken in
            guard byteCount <= Self.byteCountMax - taken else { return false }
            taken += byteCount
            return true
        }
        guard isTaken else {
            throw EngineError(
                .resourceExhausted, "other uploads are under way; try again when they have ended",
                retryMilliseconds: EngineLimits.workRetryMilliseconds)
        }
        return Share(self, byteCount)
    }

    private static func isThere(_ byteCount: Int) -> Bool {
        let probe = unsafe mmap(
            nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let probe = unsafe probe, unsafe probe != MAP_FAILED else { return false }
        unsafe munmap(probe, byteCount)
        return true
    }
}
