// SPDX-License-Identifier: Apache-2.0

package import API
internal import Synchronization

/// The newest changes of slots, and those who wait for the next one.
///
/// A watcher asks for what comes after the last event that it has seen, and is told once; then it asks
/// again. So one that is slow holds up nobody and costs nothing, and learns that it has missed events
/// when it asks too late.
package final class RolloutEvents: Sendable {
    /// Events that are kept for those who ask late.
    package static let keptMax = 1_024

    /// What a watcher is told.
    package struct Batch: Sendable {
        /// The changes, oldest first, each with its number.
        package let transitions: [(sequence: UInt64, transition: KassaV1.RolloutTransition)]
        /// Events between what the watcher had seen and these were dropped.
        package let hasLost: Bool
    }

    private struct State {
        var last: UInt64 = 0
        var kept: [KassaV1.RolloutTransition] = []
        var waiting: [UInt64: @Sendable (Batch) -> Void] = [:]
        var nextToken: UInt64 = 1
    }

    private let state = Mutex(State())

    /// The number of the newest event; 0 before the first.
    package var last: UInt64 { state.withLock { $0.last } }

    /// Tells everybody who waits.
    func append(_ transition: KassaV1.RolloutTransition) {
        let (waiting, batch) = state.withLock { state in
            state.last += 1
            state.kept.append(transition)
            if state.kept.count > Self.keptMax { state.kept.removeFirst() }
            let waiting = Array(state.waiting.values)
            state.waiting.removeAll()
            return (
                waiting, Batch(transitions: [(state.last, transition)], hasLost: false)
            )
        }
        for tell in waiting { tell(batch) }
    }

    /// Calls `tell` once, when there is an event behind `seen`: at once if there is one already. Returns
    /// a token for ``cancel(_:)``; 0 if it was called.
    package func wait(
        after seen: UInt64, _ tell: @escaping @Sendable (Batch) -> Void
    ) -> UInt64 {
        let (token, batch) = state.withLock { state -> (UInt64, Batch?) in
            guard state.last > seen else {
                let token = state.nextToken
                state.nextToken += 1
                state.waiting[token] = tell
                return (token, nil)
            }
            let first = state.last - UInt64(state.kept.count) + 1
            let from = max(seen + 1, first)
            let transitions = (from...state.last).map {
                (sequence: $0, transition: state.kept[Int($0 - first)])
            }
            return (0, Batch(transitions: transitions, hasLost: first > seen + 1))
        }
        if let batch { tell(batch) }
        return token
    }

    /// Makes sure that a waiting call is not made any more; false if it was made, or is being made.
    package func cancel(_ token: UInt64) -> Bool {
        state.withLock { $0.waiting.removeValue(forKey: token) != nil }
    }
}
