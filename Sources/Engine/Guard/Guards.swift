// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout
internal import Synchronization

/// The guards of all watched rollouts: they weigh what the loops see, and take bad models out.
///
/// A loop puts one event per watched request into its ring. The guard thread drains the rings every 2 ms,
/// and at once when a loop has seen what may decide, and weighs event by event; the moment that the
/// evidence decides, it pulls the rollout's brake, which every loop sees at its next request. A broken
/// contract pulls it on the loop itself, before the reply. The change of slots follows on the control
/// thread, with the evidence on record.
///
/// Invariant: whatever is lost on the way, events in a full ring or what came before a kill and was not stored, only
/// makes a verdict later.
final class Guards: Sendable {
    /// Of each loop, what it has seen.
    let rings: [SPSCRing<GuardEvent>]
    let metrics: GuardMetrics
    /// What loops have met that was the matter.
    let causes = CauseBook()
    let state: Mutex<State>
    private let watchedCount = Atomic<Int>(0)
    /// What an event costs the guard thread, of late.
    let averageNanoseconds = Atomic<UInt64>(0)
    /// Called when a verdict was drawn; on the guard thread.
    let alert = Mutex<(@Sendable () -> Void)?>(nil)

    /// What is known of rollouts, under the lock.
    struct State {
        var open: [UInt64: GuardedRollout] = [:]
        /// Of promotions that can be undone, while another rollout is open.
        var resting: [UInt64: GuardedRollout] = [:]
        var configuration: Published<Configuration>.Subscription
        /// What a process before this one has left.
        var left: [UInt64: (state: KassaStorageV1.StoredEvidence, filters: [UInt8]?)]
        /// Why models were convicted whose rollouts are not watched any more, of late.
        var convictions: [UInt64: String] = [:]
        var isSynced = false
        var eventCount: UInt64 = 0
        var lostCount: UInt64 = 0
        var labelCounts: [LabelFate: UInt64] = [:]
        var rolledBack: (scorer: String, microseconds: Int64)?
    }

    init(
        loopCount: Int, published: Published<Configuration>,
        left: [UInt64: (state: KassaStorageV1.StoredEvidence, filters: [UInt8]?)]
    ) {
        rings = (0..<loopCount).map { _ in SPSCRing(capacity: GuardLimits.waitingEventsMax) }
        metrics = GuardMetrics(loopCount: loopCount)
        state = Mutex(State(configuration: Published.Subscription(published), left: left))
    }

    /// What weighing an event costs the guard thread in processor time, on average of late.
    var eventNanoseconds: UInt64 { averageNanoseconds.load(ordering: .relaxed) }

    /// Whether something is watched, so that the rings are to be looked at often.
    var isWatching: Bool { watchedCount.load(ordering: .relaxed) > 0 }

    func onAlert(_ body: (@Sendable () -> Void)?) {
        alert.withLock { $0 = body }
    }

    /// Takes in rollouts that began, and lets go of those that ended.
    func sync(_ state: inout State, _ now: MonotonicTime) {
        guard state.configuration.refresh() || !state.isSynced else { return }
        state.isSynced = true
        var open: [UInt64: GuardedRollout] = [:]
        var resting: [UInt64: GuardedRollout] = [:]
        for (scorer, entry) in state.configuration.value.rollouts.scorers {
            guard let spec = state.configuration.value.scorerSpec(scorer) else { continue }
            if entry.slots.openRollout != nil, let id = entry.slots.promotion?.id {
                resting[id] = state.resting[id] ?? state.open[id]
            }
            guard let (rollout, policy) = entry.watched(for: spec) else { continue }
            let isAftercare = WatchMode(of: rollout) == .aftercare
            // A promotion begins anew: what was tolerated of the candidate is over.
            if let guarded = state.open[rollout.id] ?? state.resting[rollout.id],
                (guarded.mode == .aftercare) == isAftercare
            {
                guarded.follow(rollout, policy, entry.brake, now: now)
                open[rollout.id] = guarded
            } else {
                let left = state.left.removeValue(forKey: rollout.id)
                open[rollout.id] = GuardedRollout(
                    scorer, rollout, policy, entry.brake,
                    stored: left?.state.isAftercare == isAftercare ? left : nil,
                    causes: causes, now: now)
            }
        }
        for (id, guarded) in state.open where open[id] !== guarded {
            state.convictions[id] = guarded.conviction
            if state.convictions.count > GuardLimits.convictionsMax,
                let oldest = state.convictions.keys.min()
            {
                state.convictions[oldest] = nil
            }
        }
        state.open = open
        state.resting = resting
        // A loop may have met causes of a rollout that begins with the next configuration.
        let newest =
            state.configuration.value.rollouts.scorers.values.compactMap { $0.slots.rollout?.id }
            .max() ?? 0
        causes.keep { $0 > newest || open[$0] != nil || resting[$0] != nil }
        watchedCount.store(open.count, ordering: .relaxed)
    }

    /// Takes in the configuration that is in force; no brake of one before it is pulled afterwards.
    func follow() {
        let now = MonotonicTime.now()
        state.withLock { sync(&$0, now) }
    }

    /// What is to be done now.
    ///
    /// - Parameter drifting: the scorers of which a drift alarm is on.
    func orders(at now: MonotonicTime, drifting: Set<String> = []) -> [GuardOrder] {
        state.withLock { state in
            state.open.values.compactMap { guarded in
                guarded.look(at: now)
                return guarded.order(at: now, isDrifting: drifting.contains(guarded.scorer))
            }
        }
    }

    /// Models that evidence has begun to speak against.
    func newlyFrozen() -> [GuardAlarm] {
        state.withLock { state in state.open.values.compactMap { $0.freeze() } }
    }

    /// Weighs outcomes that have matured, in the order of their predictions.
    func observe(_ labels: [MaturedLabel], of scorer: String) {
        let now = MonotonicTime.now()
        state.withLock { state in
            // Those of a process before this one may come before its guards have looked.
            sync(&state, now)
            for label in labels {
                let guarded = state.open[label.score.rollout]
                let fate =
                    guarded?.scorer == scorer ? guarded?.observe(label, at: now) : nil
                state.labelCounts[fate ?? .ended, default: 0] &+= 1
            }
        }
    }

    /// What has become of labels so far.
    var labelCounts: [LabelFate: UInt64] { state.withLock { $0.labelCounts } }

    /// Remembers how fast a rollback was.
    func note(_ microseconds: Int64, of scorer: String) {
        state.withLock { $0.rolledBack = (scorer, microseconds) }
    }
}
