// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Rollout
internal import Synchronization

/// What the guard thread does.
extension Guards {
    /// Weighs what is in the rings.
    func turn(at now: MonotonicTime) {
        let hasVerdict = state.withLock { state in
            sync(&state, now)
            let started = ThreadTime.now()
            var taken = 0
            for ring in rings {
                var current: GuardedRollout?
                taken += ring.drain(max: GuardLimits.eventsPerTurn) { event in
                    if current?.id != event.rollout { current = state.open[event.rollout] }
                    guard let current else {
                        state.lostCount &+= 1
                        return
                    }
                    let stale = current.staleCount
                    current.observe(event)
                    state.lostCount &+= current.staleCount &- stale
                }
            }
            state.eventCount &+= UInt64(taken)
            average(taken, since: started)
            var hasVerdict = false
            for guarded in state.open.values {
                guarded.look(at: now)
                guarded.lookAtBrake()
                // Each once, also where another one's is being carried out.
                if guarded.evidence.verdict.isRollback, !guarded.isVerdictTold {
                    guarded.isVerdictTold = true
                    hasVerdict = true
                }
            }
            return hasVerdict
        }
        if hasVerdict { alert.withLock { $0 }?() }
    }

    /// Learns what an event costs; of a few events the turn itself would be most of it.
    private func average(_ taken: Int, since started: ThreadTime) {
        guard taken >= GuardLimits.eventsTimed else { return }
        let one = ThreadTime.now().nanoseconds(since: started) / UInt64(taken)
        let before = eventNanoseconds
        averageNanoseconds.store(
            before == 0 ? one : (before &* 7 &+ min(one, 100_000)) / 8, ordering: .relaxed)
    }
}
