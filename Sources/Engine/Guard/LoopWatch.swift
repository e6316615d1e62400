// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Metrics
internal import Rollout

/// What one loop spends on watching candidates, and how it tells the guard of them.
///
/// It belongs to the loop's thread; neither locks nor allocates.
struct LoopWatch {
    private let guards: Guards
    /// Whose semaphore the guard thread sleeps on.
    private let outcomes: Outcomes
    private let ring: SPSCRing<GuardEvent>
    private let cells: Cells
    private(set) var budget = WatchBudget()
    /// The share of the loop's time; tests that count what is watched set 1, because they are slow.
    var timeShareMax = WatchBudget.timeShareMax {
        didSet { reset() }
    }
    /// What an event is taken to cost, besides the measured work of the other model.
    private var eventNanoseconds = GuardLimits.watchedNanoseconds
    /// Whether this turn's events may decide something.
    private var isRinging = false
    private var nextRing: UInt64 = 0

    init(_ guards: Guards, _ outcomes: Outcomes, loop: Int) {
        self.guards = guards
        self.outcomes = outcomes
        ring = guards.rings[loop]
        cells = guards.metrics.budgets[loop]
        publish()
    }

    /// Hands an event to the guard.
    mutating func tell(_ event: GuardEvent) {
        ring.push(event)
        budget.spend(nanoseconds: eventNanoseconds)
        if event.mayDecide { isRinging = true }
    }

    /// Counts time that went into the other model.
    mutating func spend(nanoseconds: UInt64) {
        budget.spend(nanoseconds: nanoseconds)
    }

    /// Wakes the guard if there is something to decide and it was not woken just now.
    mutating func ring(at now: MonotonicTime) {
        guard isRinging, now.nanoseconds >= nextRing else { return }
        isRinging = false
        nextRing = now.nanoseconds &+ GuardLimits.ringNanoseconds
        outcomes.wakeUps.signal()
    }

    /// Sees to the budget at the end of a turn.
    mutating func settle(at now: MonotonicTime) {
        guard budget.settle(at: now.nanoseconds) else { return }
        eventNanoseconds = GuardLimits.watchedNanoseconds &+ guards.eventNanoseconds
        publish()
    }

    /// Begins anew with all entities: no rollout is open.
    mutating func reset() {
        budget = WatchBudget(timeShareMax: timeShareMax)
        publish()
    }

    private func publish() {
        cells.set(UInt64(budget.ratio * 1e6), at: GuardMetrics.ratioCell)
        cells.set(UInt64(budget.timeShare * 1e6), at: GuardMetrics.timeCell)
    }
}
