// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Glibc
internal import Synchronization

/// The thread that takes what the loops have seen out of their rings, and draws conclusions from it.
///
/// It looks fifty times a second, and five hundred times while something is watched; at once when it is
/// woken, which loops do for what may decide, because a bad model answers until it has looked. A turn
/// never waits for the disk: what is to be stored goes to the writer.
final class GuardThread: Sendable {
    private let outcomes: Outcomes
    private let guards: Guards
    private let isStopping = Atomic(false)
    private let thread: Mutex<Thread?> = Mutex(nil)

    /// A thread's niceness needs CAP_SYS_NICE to be below 0; without it nothing changes.
    private static let niceness: Int32 = -5

    init(_ outcomes: Outcomes, _ guards: Guards) {
        self.outcomes = outcomes
        self.guards = guards
        thread.withLock { thread in
            thread = Thread(name: "guard") { [unowned self] in run() }
        }
    }

    /// Ends after the turn that is under way.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        outcomes.wakeUps.signal()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    private func run() {
        // Where it is allowed: on a busy machine the turn that takes a bad candidate out goes first.
        _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, Self.niceness)
        var nextMaturing = MonotonicTime.now()
        var nextOutcomes = MonotonicTime.now()
        while !isStopping.load(ordering: .acquiring) {
            guards.turn(at: .now())
            let now = MonotonicTime.now()
            let isDue = now >= nextMaturing || outcomes.isMaturingDue
            if now >= nextOutcomes || isDue || outcomes.hasRequests {
                outcomes.lookAtClock(wall: .now(), at: .now())
                outcomes.turn(at: .now(), seesToMaturity: isDue)
                nextOutcomes = now.advanced(byNanoseconds: OutcomeLimits.turnNanoseconds)
            }
            if isDue { nextMaturing = now.advanced(byNanoseconds: OutcomeLimits.matureNanoseconds) }
            _ = outcomes.wakeUps.wait(
                timeoutNanoseconds: guards.isWatching
                    ? GuardLimits.watchingTurnNanoseconds : OutcomeLimits.turnNanoseconds)
        }
    }
}
