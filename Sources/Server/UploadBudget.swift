// SPDX-License-Identifier: Apache-2.0

internal import Engine
internal import Synchronization

/// How much memory the models on their way in may take together.
final class UploadBudget: Sendable {
    /// Bytes of all artefacts that are being uploaded: two of the largest.
    static let byteCountMax = 2 * 256 << 20

    private let taken = Mutex(0)

    /// Takes `byteCount` from the budget.
    func take(_ byteCount: Int) throws(EngineError) {
        let isTaken = taken.withLock { taken in
            guard taken + byteCount <= Self.byteCountMax else { return false }
            taken += byteCount
            return true
        }
        guard isTaken else {
            throw EngineError(
                .resourceExhausted, "other uploads are under way; try again when they have ended")
        }
    }

    /// Gives `byteCount` back.
    func give(_ byteCount: Int) {
        taken.withLock { $0 -= byteCount }
    }
}
