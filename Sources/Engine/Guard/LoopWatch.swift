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
    /// What events may cost.
    private var requests = WatchBudget()
    /// What scoring by the other model may cost, which depends on the model.
    private var pairs = WatchBudget()
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
        reset()
    }

    /// Whether the requests of an entity are watched.
    ///
    /// A slow model leaves no time to score by both. In a split the requests themselves are watched all the same,
    /// which convict it; where both models' requests are compared, there is nothing to watch without the other.
    ///
    /// - Parameter draw: its ``EntityDraw``.
    @inline(__always)
    func watches(_ draw: UInt64, in mode: WatchMode) -> Bool {
        requests.watches(draw) && (!mode.comparesRequests || pairs.watches(draw))
    }

    /// Whether there is time for the other model to score the requests of a watched entity.
    @inline(__always)
    func scoresTwice(_ draw: UInt64) -> Bool { pairs.watches(draw) }

    /// Hands an event to the guard.
    mutating func tell(_ event: GuardEvent) {
        ring.push(event)
        requests.spend(nanoseconds: eventNanoseconds)
        if event.mayDecide { isRinging = true }
    }

    /// Counts time that went into the other model.
    mutating func spend(nanoseconds: UInt64) {
        pairs.spend(nanoseconds: nanoseconds)
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
        // Both began at the same moment, so their periods end together.
        pairs.settle(at: now.nanoseconds)
        guard requests.settle(at: now.nanoseconds) else { return }
        eventNanoseconds = GuardLimits.watchedNanoseconds &+ guards.eventNanoseconds
        publish()
    }

    /// Begins anew with all entities: nothing is watched, neither an open rollout nor a promotion.
    mutating func reset() {
        let isBounded = timeShareMax < 1
        let part = GuardLimits.eventTimePart
        requests = WatchBudget(timeShareMax: isBounded ? timeShareMax * part : 1)
        pairs = WatchBudget(timeShareMax: isBounded ? timeShareMax * (1 - part) : 1)
        publish()
    }

    private func publish() {
        cells.set(UInt64(requests.ratio * 1e6), at: GuardMetrics.ratioCell)
        cells.set(UInt64(min(requests.ratio, pairs.ratio) * 1e6), at: GuardMetrics.pairRatioCell)
        cells.set(UInt64((requests.timeShare + pairs.timeShare) * 1e6), at: GuardMetrics.timeCell)
    }
}
