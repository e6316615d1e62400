// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout
internal import Synchronization

/// Closes windows, and draws conclusions: what all scorers' models look like now.
///
/// A turn reads counters and computes; it waits for no disk. What is to be done about it is an order for
/// the control thread.
final class DriftGuard: Sendable {
    private let book: DriftBook
    private let state = Mutex(State())

    private struct State {
        var scorers: [String: ScorerDrift] = [:]
        var orders: [DriftOrder] = []
        /// Alarms raised so far, by scorer and whether STABLE saw it.
        var raised: [AlarmCount: UInt64] = [:]
        var configuration: Configuration?
    }

    struct AlarmCount: Hashable {
        let scorer: String
        let slot: String
        let signal: String
    }

    init(_ book: DriftBook) {
        self.book = book
    }

    /// Closes the windows whose time has come; returns what is to be told at once.
    func turn(
        _ configuration: Configuration, at now: MonotonicTime, wall: Int64
    ) -> [DriftOrder] {
        state.withLock { state in
            if state.configuration !== configuration {
                book.keep(only: configuration.scorers)
                state.configuration = configuration
            }
            let slots = Self.slots(of: configuration, book)
            state.scorers = state.scorers.filter { slots[$0.key] != nil }
            var orders: [DriftOrder] = []
            for (name, found) in slots {
                let settings = DriftSettings(found.first?.scorer.spec.drift)
                var drift = state.scorers[name] ?? ScorerDrift(settings, at: now)
                if drift.settings != settings {
                    drift = ScorerDrift(settings, after: drift, at: now)
                }
                let order = drift.turn(
                    found, configuration.rollouts.scorers[name], at: now, wall: wall)
                state.scorers[name] = drift
                if let order { orders.append(order) }
            }
            for alarm in orders.flatMap(\.alarms) where alarm.raised {
                let count = AlarmCount(
                    scorer: alarm.scorer, slot: alarm.slot.name, signal: alarm.signal.name)
                state.raised[count, default: 0] += 1
            }
            state.orders += orders
            let over = state.orders.count - DriftLimits.unrecordedMax
            if over > 0 { state.orders.removeFirst(over) }
            return orders
        }
    }

    /// The slots of each scorer whose models are watched, STABLE first.
    private static func slots(
        of configuration: Configuration, _ book: DriftBook
    ) -> [String: [(scorer: Scorer, counters: DriftCounters)]] {
        var slots: [String: [(scorer: Scorer, counters: DriftCounters)]] = [:]
        for scorer in configuration.scorers {
            guard let counters = book.counters(of: scorer) else { continue }
            slots[scorer.spec.name, default: []].append((scorer, counters))
        }
        return slots
    }

    /// Whether the control thread has something to do.
    var hasOrders: Bool { state.withLock { !$0.orders.isEmpty } }

    /// The oldest order; nil if there is none.
    var nextOrder: DriftOrder? { state.withLock { $0.orders.first } }

    /// The oldest order was carried out.
    func removeOrder() { state.withLock { _ = $0.orders.isEmpty ? nil : $0.orders.removeFirst() } }

    /// What is known of a scorer; nil if none of its models is watched, or no window was begun yet.
    func drift(of scorer: String) -> ScorerDrift? { state.withLock { $0.scorers[scorer] } }

    /// Whether nothing may give a scorer's candidate more traffic by itself now.
    func isFrozen(_ scorer: String) -> Bool {
        state.withLock { ($0.scorers[scorer]?.response ?? .none) != .none }
    }

    /// The scorers of which that is so.
    var frozenScorers: Set<String> {
        state.withLock { state in
            Set(state.scorers.lazy.filter { $0.value.response != .none }.map(\.key))
        }
    }

    /// Everything, for metrics.
    var all: (scorers: [String: ScorerDrift], raised: [AlarmCount: UInt64]) {
        state.withLock { ($0.scorers, $0.raised) }
    }
}
