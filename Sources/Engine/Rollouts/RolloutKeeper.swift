// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Rollout
internal import Synchronization

/// Looks after rollouts: ten times a second it sees what is due and has the control thread do it.
///
/// Time is counted by the monotonic clock, so that a clock that steps releases nothing early or late.
/// What a process before this one began goes on from the wall time that it stored, bounded by a whole
/// period.
final class RolloutKeeper: Sendable {
    private let isStopping = Atomic(false)
    private let isBusy = Atomic(false)
    private let wakeUps = Semaphore()
    private let thread: Mutex<Thread?> = Mutex(nil)

    static let tickNanoseconds: UInt64 = 100_000_000

    init(_ engine: Engine, submit: @escaping @Sendable (@escaping @Sendable () -> Void) -> Bool) {
        thread.withLock { thread in
            thread = Thread(name: "rollouts") { [unowned self, unowned engine] in
                run(engine, submit)
            }
        }
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        wakeUps.signal()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    /// Has it look now instead of at its next tick.
    func wake() {
        wakeUps.signal()
    }

    private func run(
        _ engine: Engine, _ submit: @Sendable (@escaping @Sendable () -> Void) -> Bool
    ) {
        var releases = PreviousReleases()
        engine.guards.onAlert { [self] in wakeUps.signal() }
        defer { engine.guards.onAlert(nil) }
        var care = GuardCare()
        var driftCare = DriftCare(engine)
        // Before the first step is thought of: alarms of a process before this one hold it.
        engine.driftTurn(at: .now(), wall: .now())
        while !isStopping.load(ordering: .acquiring) {
            engine.noteBrakes()
            let convicted = engine.convictedPromotions
            let due = releases.due(
                in: engine.published.current, now: .now(), wall: Timestamp.now().microseconds)
            let orders = engine.guards.orders(
                at: .now(), drifting: engine.driftGuard.frozenScorers)
            for alarm in engine.guards.newlyFrozen() { engine.tell(alarm) }
            care.store(engine.guards, of: engine, at: .now())
            // Encoding that takes its time, and a brake may have been pulled.
            engine.noteBrakes()
            engine.driftTurn(at: .now(), wall: .now())
            driftCare.store(engine, at: .now())
            if !due.isEmpty || engine.hasPendingRecords || !orders.isEmpty
                || !convicted.isEmpty || engine.driftGuard.hasOrders,
                !isBusy.exchange(true, ordering: .acquiringAndReleasing)
            {
                let isQueued = submit { [self, unowned engine] in
                    for scorer in convicted { engine.takeBack(promotionOf: scorer, at: .now()) }
                    for order in orders { engine.carryOut(order) }
                    do throws(EngineError) {
                        try engine.recordPending()
                    } catch { engine.syncRetreats() }
                    for scorer in due { engine.releasePrevious(of: scorer) }
                    engine.carryOutDriftOrders()
                    isBusy.store(false, ordering: .releasing)
                }
                if !isQueued { isBusy.store(false, ordering: .releasing) }
            }
            _ = wakeUps.wait(timeoutNanoseconds: Self.tickNanoseconds)
        }
    }
}

/// Until when each scorer's PREVIOUS is kept, by the monotonic clock.
struct PreviousReleases {
    private var deadlines: [String: (since: Int64, deadline: MonotonicTime)] = [:]

    /// The scorers whose PREVIOUS has been kept long enough.
    mutating func due(
        in configuration: Configuration, now: MonotonicTime, wall: Int64
    ) -> [String] {
        var due: [String] = []
        for (name, entry) in configuration.rollouts.scorers {
            guard entry.slots.previous != nil else {
                deadlines[name] = nil
                continue
            }
            let since = entry.previousSinceMicroseconds
            let period = Int64(RolloutLimits.previousSeconds) * 1_000_000
            if deadlines[name]?.since != since {
                // Before this process began only the wall clock knows how long ago.
                let passed = min(
                    max(wall.subtractingReportingOverflow(since).partialValue, 0), period)
                let deadline =
                    entry.previousSince?.advanced(byNanoseconds: UInt64(period) * 1_000)
                    ?? now.advanced(byNanoseconds: UInt64(period - passed) * 1_000)
                deadlines[name] = (since, deadline)
            }
            if let deadline = deadlines[name]?.deadline, deadline <= now { due.append(name) }
        }
        return due
    }
}

extension Engine {
    /// Lets go of what STABLE had before the last promotion. On the control thread.
    func releasePrevious(of scorer: String) {
        let call = VerbCall(
            scorer: scorer, expectedRevision: nil, actor: "kassa",
            reason: "the time to undo the promotion is over")
        // A store that takes no writes keeps it a while longer.
        _ = try? carryOut(.releasePrevious, call, at: .now())
    }
}
