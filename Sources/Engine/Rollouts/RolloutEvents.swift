// SPDX-License-Identifier: Apache-2.0

package import API
internal import Synchronization

/// The newest changes of slots and drift alarms, and those who wait for the next one.
///
/// A watcher asks for what comes after the last event that it has seen, and is told once; then it asks
/// again. So one that is slow holds up nobody and costs nothing, and learns that it has missed events
/// when it asks too late.
package final class RolloutEvents: Sendable {
    /// Events that are kept for those who ask late.
    package static let keptMax = 1_024

    /// What a watcher is told.
    package struct Batch: Sendable {
        /// The changes and alarms, oldest first, each with its number.
        package let events: [(sequence: UInt64, event: Event)]
        /// Events between what the watcher had seen and these were dropped.
        package let hasLost: Bool
    }

    /// What happened.
    package enum Event: Sendable {
        /// A scorer's slots changed.
        case transition(KassaV1.RolloutTransition)
        /// An alarm about a scorer's drift began or ended.
        case drift(KassaV1.DriftAlarm)

        /// Whom it is about.
        package var scorer: String {
            switch self {
            case .transition(let transition): transition.scorer
            case .drift(let alarm): alarm.scorer
            }
        }
    }

    private struct State {
        var last: UInt64 = 0
        var kept: [Event] = []
        var waiting: [UInt64: @Sendable (Batch) -> Void] = [:]
        var nextToken: UInt64 = 1
    }

    private let state = Mutex(State())

    /// The number of the newest event; 0 before the first.
    package var last: UInt64 { state.withLock { $0.last } }

    /// Tells everybody who waits of a change.
    func append(_ transition: KassaV1.RolloutTransition) { append(.transition(transition)) }

    /// Tells everybody who waits of an alarm.
    func append(_ alarm: KassaV1.DriftAlarm) { append(.drift(alarm)) }

    private func append(_ event: Event) {
        let (waiting, batch) = state.withLock { state in
            state.last += 1
            state.kept.append(event)
            if state.kept.count > Self.keptMax { state.kept.removeFirst() }
            let waiting = Array(state.waiting.values)
            state.waiting.removeAll()
            return (
                waiting, Batch(events: [(state.last, event)], hasLost: false)
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
            let events = (from...state.last).map {
                (sequence: $0, event: state.kept[Int($0 - first)])
            }
            return (0, Batch(events: events, hasLost: first > seen + 1))
        }
        if let batch { tell(batch) }
        return token
    }

    /// Makes sure that a waiting call is not made any more; false if it was made, or is being made.
    package func cancel(_ token: UInt64) -> Bool {
        state.withLock { $0.waiting.removeValue(forKey: token) != nil }
    }
}
