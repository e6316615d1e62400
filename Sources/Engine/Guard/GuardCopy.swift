// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout

/// How far a watched rollout has come: with the same progress it would be stored as the same, but for its age.
struct GuardProgress: Hashable, Sendable {
    let rollout: UInt64
    let mode: WatchMode
    let changeCount: UInt64
}

extension GuardedRollout {
    /// How far it has come.
    var progress: GuardProgress {
        GuardProgress(rollout: id, mode: mode, changeCount: changeCount)
    }
}

/// What is wanted of a rollout for the store.
enum GuardWant: Sendable {
    case state
    case stateAndFilters
}

/// What is to be stored of a watched rollout.
struct GuardCopy: Sendable {
    let scorer: String
    let progress: GuardProgress
    let stored: KassaStorageV1.StoredEvidence
    /// With who has spoken, if that is to be stored too.
    let evidence: Evidence?
}
