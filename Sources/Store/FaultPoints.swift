// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// The fault points of one environment: inert until a harness arms one.
///
/// An unarmed point costs one load of an atomic flag, for each group of writes or step of control work, so
/// that the code under test is the code that ships. A server arms one only when `KASSA_KILL_AT` names it.
package final class FaultPoints: Sendable {
    /// What an armed point does.
    package enum Action: Sendable {
        /// The call at this point fails with this `errno`; it is not made.
        case fail(errno: Int32)
        /// The process ends at once, as with `kill -9`.
        case kill
        /// Something else happens at just this moment, on the thread that is there.
        case call(@Sendable () -> Void)
    }

    private struct Armed: Sendable {
        var point: FaultPoint
        var action: Action
        var hitsToSkip: Int
        var hitsLeft: Int
    }

    private let isArmed = Atomic<Bool>(false)
    private let armed = Mutex<[Armed]>([])

    /// Arms `point` to do `action` `times` times, after letting `skipping` hits pass.
    package func arm(
        _ point: FaultPoint, _ action: Action, skipping: Int = 0, times: Int = .max
    ) {
        armed.withLock {
            $0.append(
                Armed(point: point, action: action, hitsToSkip: skipping, hitsLeft: times))
        }
        isArmed.store(true, ordering: .releasing)
    }

    /// Makes every point inert again.
    package func disarm() {
        isArmed.store(false, ordering: .releasing)
        armed.withLock { $0.removeAll() }
    }

    /// The `errno` that the call at `point` fails with; nil, if nothing is armed there.
    @discardableResult
    package func hit(_ point: FaultPoint) -> Int32? {
        guard isArmed.load(ordering: .acquiring) else { return nil }
        let action = armed.withLock { faults -> Action? in
            for index in faults.indices where faults[index].point == point {
                if faults[index].hitsToSkip > 0 {
                    faults[index].hitsToSkip -= 1
                } else if faults[index].hitsLeft > 0 {
                    faults[index].hitsLeft -= 1
                    return faults[index].action
                }
            }
            return nil
        }
        switch action {
        case nil: return nil
        case .fail(let number): return number
        case .kill:
            kill(getpid(), SIGKILL)
            return nil
        case .call(let body):
            body()
            return nil
        }
    }
}
