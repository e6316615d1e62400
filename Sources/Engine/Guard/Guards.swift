// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Metrics
internal import Rollout
internal import Store
internal import Synchronization

/// The guards of all watched rollouts: they weigh what the loops see, and take bad models out.
///
/// A loop puts one event per watched request into its ring. The guard thread drains the rings every 2 ms,
/// and at once when a loop has seen what may decide, and weighs event by event; the moment that the
/// evidence decides, it pulls the rollout's brake, which every loop sees at its next request. A broken
/// contract pulls it on the loop itself, before the reply. The change of slots follows on the control
/// thread, with the evidence on record.
///
/// Invariant: whatever is lost on the way, events in a full ring or the last second before a kill, only
/// makes a verdict later.
final class Guards: Sendable {
    /// Of each loop, what it has seen.
    let rings: [SPSCRing<GuardEvent>]
    let metrics: GuardMetrics
    private let state: Mutex<State>
    private let watchedCount = Atomic<Int>(0)
    /// What an event costs the guard thread, of late.
    private let averageNanoseconds = Atomic<UInt64>(0)
    private let orderCount = Atomic<Int>(0)
    /// Called when there is something to be done; on the guard thread.
    private let alert = Mutex<(@Sendable () -> Void)?>(nil)

    private struct State {
        var open: [UInt64: GuardedRollout] = [:]
        /// Of promotions that can be undone, while another rollout is open.
        var resting: [UInt64: GuardedRollout] = [:]
        var configuration: Published<Configuration>.Subscription
        /// What a process before this one has left.
        var left: [UInt64: (state: KassaStorageV1.StoredEvidence, filters: [UInt8]?)]
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

    /// Whether the control thread should carry something out.
    var hasOrders: Bool { orderCount.load(ordering: .acquiring) > 0 }

    func onAlert(_ body: (@Sendable () -> Void)?) {
        alert.withLock { $0 = body }
    }

    // MARK: On the guard thread

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
                if guarded.evidence.verdict.isRollback { hasVerdict = true }
            }
            return hasVerdict
        }
        guard hasVerdict, orderCount.exchange(1, ordering: .acquiringAndReleasing) == 0 else {
            return
        }
        alert.withLock { $0 }?()
    }

    /// Learns what an event costs; of a few events the turn itself would be most of it.
    private func average(_ taken: Int, since started: ThreadTime) {
        guard taken >= GuardLimits.eventsTimed else { return }
        let one = ThreadTime.now().nanoseconds(since: started) / UInt64(taken)
        let before = eventNanoseconds
        averageNanoseconds.store(
            before == 0 ? one : (before &* 7 &+ min(one, 100_000)) / 8, ordering: .relaxed)
    }

    /// Takes in rollouts that began, and lets go of those that ended.
    private func sync(_ state: inout State, _ now: MonotonicTime) {
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
                    stored: left?.state.isAftercare == isAftercare ? left : nil, now: now)
            }
        }
        state.open = open
        state.resting = resting
        watchedCount.store(open.count, ordering: .relaxed)
    }

    // MARK: On any thread

    /// Takes in the configuration that is in force; no brake of one before it is pulled afterwards.
    func follow() {
        let now = MonotonicTime.now()
        state.withLock { sync(&$0, now) }
    }

    /// What is to be done now.
    ///
    /// - Parameter drifting: the scorers of which a drift alarm is on.
    func orders(at now: MonotonicTime, drifting: Set<String> = []) -> [GuardOrder] {
        let orders = state.withLock { state in
            state.open.values.compactMap { guarded in
                guarded.look(at: now)
                return guarded.order(at: now, isDrifting: drifting.contains(guarded.scorer))
            }
        }
        orderCount.store(orders.count, ordering: .releasing)
        return orders
    }

    /// Models that evidence has begun to speak against.
    func newlyFrozen() -> [GuardAlarm] {
        state.withLock { state in state.open.values.compactMap { $0.freeze() } }
    }

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

    /// What the evidence says of a rollout now.
    func verdict(of rollout: UInt64) -> EvidenceVerdict? {
        state.withLock { $0.open[rollout]?.evidence.verdict }
    }

    /// From the event that decided a rollout to its candidate's last answer; nil if no event did.
    func lastAnswerMicroseconds(of rollout: UInt64) -> Int64? {
        let decided = state.withLock { $0.open[rollout]?.decidedAtNanoseconds ?? 0 }
        guard decided > 0 else { return nil }
        let last = metrics.lastAnswer(of: rollout)
        return last > decided ? Int64((last - decided + 999) / 1_000) : 0
    }

    /// How far all rollouts have come that there may be something to store of.
    func progress(withResting: Bool) -> [GuardProgress] {
        state.withLock { state in
            state.open.values.map(\.progress)
                + (withResting ? state.resting.values.map(\.progress) : [])
        }
    }

    /// What is to be stored of rollouts, on request with a copy of who has spoken; encoding that is up to
    /// the caller.
    ///
    /// The copy costs the guard thread one of its own at the next event.
    func copies(of wants: [UInt64: GuardWant], at now: MonotonicTime) -> [GuardCopy] {
        state.withLock { state in
            wants.compactMap { id, want in
                guard let guarded = state.open[id] ?? state.resting[id] else { return nil }
                guarded.look(at: now)
                return GuardCopy(
                    scorer: guarded.scorer, progress: guarded.progress,
                    stored: guarded.stored(at: now),
                    evidence: want == .stateAndFilters ? guarded.evidence : nil)
            }
        }
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

extension Guards: MetricSource {
    private static let evidence = MetricFamily(
        .gauge, "kassa_rollout_log_evidence",
        help: "Natural logarithm of the evidence against a model on trial; merged decides.",
        labels: ["scorer", "component"])
    private static let frozen = MetricFamily(
        .gauge, "kassa_rollout_frozen",
        help: "1 if the evidence against a model on trial keeps its weight from rising.",
        labels: ["scorer"])
    private static let phase = MetricFamily(
        .gauge, "kassa_rollout_phase", help: "1 for the phase that a scorer's rollout is in.",
        labels: ["scorer", "phase"])
    private static let events = MetricFamily(
        .counter, "kassa_guard_events_total", help: "Requests that guards have weighed.")
    private static let dropped = MetricFamily(
        .counter, "kassa_guard_events_dropped_total",
        help: "Requests that guards have not weighed, because a ring was full or the rollout over.")
    private static let rollback = MetricFamily(
        .gauge, "kassa_rollback_microseconds",
        help: "Of the last rollback: from the event that decided to the last bad answer.",
        labels: ["scorer"])

    var families: [MetricFamily] {
        [Self.evidence, Self.frozen, Self.phase, Self.events, Self.dropped, Self.rollback]
    }

    func collect(into snapshot: inout MetricSnapshot) {
        let refused = rings.reduce(0) { $0 &+ $1.refusedCount }
        let (open, events, lost, last) = state.withLock { state in
            (
                state.open.values.map {
                    ($0.scorer, $0.rollout.phase.name, KassaV1.GuardStatus($0.evidence))
                },
                state.eventCount,
                state.lostCount,
                state.rolledBack
            )
        }
        for (scorer, phase, status) in open.sorted(by: { $0.0 < $1.0 }) {
            snapshot.add(Self.phase, [scorer, phase], count: 1)
            snapshot.add(Self.evidence, [scorer, "merged"], number: status.logEvidence)
            for component in status.components {
                snapshot.add(
                    Self.evidence, [scorer, component.name], number: component.logEvidence)
            }
            snapshot.add(Self.frozen, [scorer], count: status.verdict == "WITHIN" ? 0 : 1)
        }
        snapshot.add(Self.events, count: events)
        snapshot.add(Self.dropped, count: refused &+ lost)
        if let last {
            snapshot.add(Self.rollback, [last.scorer], number: Double(last.microseconds))
        }
    }
}
