// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout

/// How far a watched rollout has come: with the same progress it would be stored as the same, but for its age.
struct GuardProgress: Hashable, Sendable {
    let rollout: UInt64
    let mode: WatchMode
    let changeCount: UInt64
    /// Whether it is a promotion that waits for another rollout's end, and changes no more meanwhile.
    let isResting: Bool
}

extension GuardedRollout {
    /// How far it has come.
    func progress(isResting: Bool) -> GuardProgress {
        GuardProgress(rollout: id, mode: mode, changeCount: changeCount, isResting: isResting)
    }
}

/// A watched rollout at one moment: what is to be stored of it.
struct GuardCopy: Sendable {
    let scorer: String
    let progress: GuardProgress
    let stored: KassaStorageV1.StoredEvidence
    /// With who has spoken.
    let evidence: Evidence
}
