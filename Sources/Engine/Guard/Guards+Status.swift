// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout
internal import Synchronization

/// What others ask of guards, on any thread.
extension Guards {
    /// What is known of a rollout; nil if it is not watched.
    func status(of rollout: UInt64, isDrifting: Bool) -> KassaV1.GuardStatus? {
        let now = MonotonicTime.now()
        return state.withLock { state in
            sync(&state, now)
            state.open[rollout]?.look(at: now)
            guard let guarded = state.open[rollout] else { return nil }
            var status = guarded.status(at: now, isDrifting: isDrifting)
            status.watchedRatio = metrics.watchedRatio(in: guarded.mode)
            return status
        }
    }

    /// What is to go on record with a change of a rollout; nil if it is not watched.
    func record(of rollout: UInt64) -> KassaStorageV1.StoredEvidence? {
        let now = MonotonicTime.now()
        return state.withLock { state in
            sync(&state, now)
            state.open[rollout]?.look(at: now)
            return state.open[rollout]?.stored(at: now)
        }
    }

    /// Why a rollout's model was convicted, also if another one is watched since; nil if it was not.
    func conviction(of rollout: UInt64) -> String? {
        state.withLock { state in
            let guarded = state.open[rollout] ?? state.resting[rollout]
            return guarded?.conviction ?? state.convictions[rollout]
        }
    }

    /// What speaks against more weight of a rollout, or another; nil if it is not watched.
    func standing(of rollout: UInt64, next: RolloutState) -> GuardStanding? {
        let now = MonotonicTime.now()
        return state.withLock { state in
            sync(&state, now)
            return state.open[rollout]?.standing(next)
        }
    }

    /// From the event that decided a rollout to its candidate's last answer; nil if no event did.
    func lastAnswerMicroseconds(of rollout: UInt64) -> Int64? {
        let decided = state.withLock { $0.open[rollout]?.decidedAtNanoseconds ?? 0 }
        guard decided > 0 else { return nil }
        let last = metrics.lastAnswer(of: rollout)
        return last > decided ? Int64((last - decided + 999) / 1_000) : 0
    }

    /// How far all rollouts have come that there may be something to store of.
    var progress: [GuardProgress] {
        state.withLock { state in
            state.open.values.map { $0.progress(isResting: false) }
                + state.resting.values.map { $0.progress(isResting: true) }
        }
    }

    /// What is to be stored of rollouts, with a copy of who has spoken; encoding that is up to the caller.
    ///
    /// The copy costs the guard thread one of its own at the next event.
    func copies(of rollouts: Set<UInt64>, at now: MonotonicTime) -> [GuardCopy] {
        state.withLock { state in
            rollouts.compactMap { id in
                guard let guarded = state.open[id] ?? state.resting[id] else { return nil }
                guarded.look(at: now)
                return GuardCopy(
                    scorer: guarded.scorer,
                    progress: guarded.progress(isResting: state.open[id] == nil),
                    stored: guarded.stored(at: now), evidence: guarded.evidence)
            }
        }
    }
}
