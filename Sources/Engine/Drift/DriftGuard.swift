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
    private let state: Mutex<State>
    /// The alarms that were on when a process before this one ended, by scorer.
    let stored: [String: KassaStorageV1.StoredDrift]
    /// Held from where hours are read until they are in the writer's queue.
    let storing = Mutex<Void>(())

    private struct State {
        var scorers: [String: ScorerDrift] = [:]
        var orders: [DriftOrder] = []
        /// Alarms raised so far, by scorer and whether STABLE saw it.
        var raised: [AlarmCount: UInt64] = [:]
        var configuration: Configuration?
        /// What a process before this one has learnt of the hours of the day, by scorer and bundle.
        var left: [String: [[UInt8]: ModelHours]]
        /// The alarms that were on when it ended, by scorer.
        var leftAlarms: [String: KassaStorageV1.StoredDrift]
        /// The scorer whose order is being carried out.
        var inHand: String?
        /// The hour of the last look.
        var hour: DayHour?

        /// Drops what is beyond the bound: the oldest that nothing but a record is left of.
        mutating func dropOldest() {
            while orders.count > DriftLimits.unrecordedMax {
                orders.remove(at: orders.firstIndex { $0.response == .none } ?? 0)
            }
        }
    }

    struct AlarmCount: Hashable {
        let scorer: String
        let slot: String
        let signal: String
    }

    /// - Parameters:
    ///   - left: what a process before this one has learnt of the hours of the day, by scorer and bundle.
    ///   - alarms: those that were on when it ended, by scorer.
    init(
        _ book: DriftBook, left: [String: [[UInt8]: ModelHours]],
        alarms: [String: KassaStorageV1.StoredDrift] = [:]
    ) {
        self.book = book
        stored = alarms
        state = Mutex(State(left: left, leftAlarms: alarms))
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
                var drift =
                    state.scorers[name]
                    ?? ScorerDrift(
                        settings, learnt: state.left.removeValue(forKey: name) ?? [:],
                        left: state.leftAlarms.removeValue(forKey: name), at: now)
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
            state.dropOldest()
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

    /// Takes the oldest order; nil if there is none.
    func takeOrder() -> DriftOrder? {
        state.withLock { state in
            let order = state.orders.isEmpty ? nil : state.orders.removeFirst()
            state.inHand = order.flatMap { $0.response == .none ? nil : $0.scorer }
            return order
        }
    }

    /// The alarms of each scorer that are on, to be stored: nil if none is.
    var alarms: [String: KassaStorageV1.StoredDrift?] {
        state.withLock { state in
            let undone = state.orders.lazy.filter { $0.response != .none }.map(\.scorer)
            let pending = Set(undone).union(state.inHand.map { [$0] } ?? [])
            var alarms: [String: KassaStorageV1.StoredDrift?] = [:]
            for (name, drift) in state.scorers {
                let stored = drift.stored(as: name, isDone: !pending.contains(name))
                alarms.updateValue(stored, forKey: name)
            }
            return alarms
        }
    }

    /// Puts back the order taken last, of which something is left to do.
    func putBack(_ order: DriftOrder) {
        state.withLock { state in
            state.inHand = nil
            state.orders.insert(order, at: 0)
            state.dropOldest()
        }
    }

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

    /// Takes a person's word that a scorer's alarms of today and yesterday are about something normal.
    ///
    /// - Returns: what there is to tell.
    func accept(_ scorer: String, _ slots: [Scorer], wall: Int64) -> DriftOrder? {
        state.withLock { state in
            state.scorers[scorer]?.accept(slots, wall: wall).order
        }
    }

    /// Whether another hour of the day began since the last look.
    func isHourOver(at wall: Int64) -> Bool {
        state.withLock { state in
            let hour = DayHour(microseconds: wall)
            defer { state.hour = hour }
            return state.hour.map { $0 != hour } ?? false
        }
    }

    /// What was learnt of the hours of the day, to be stored.
    var hours: [KassaStorageV1.StoredHours] {
        let hours = state.withLock { $0.scorers.mapValues(\.hours) }
        return hours.map { KassaStorageV1.StoredHours($0.key, $0.value) }
    }

    /// Everything, for metrics.
    var all: (scorers: [String: ScorerDrift], raised: [AlarmCount: UInt64]) {
        state.withLock { ($0.scorers, $0.raised) }
    }
}
