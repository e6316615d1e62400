// SPDX-License-Identifier: Apache-2.0

package import Base
package import Metrics
internal import Synchronization

/// The mailbox for alarms: any thread puts in, one takes out.
package final class AlarmSink: Sendable {
    private struct State {
        var waiting: [Alarm] = []
        var dropped: UInt64 = 0
        var raised = [UInt64](repeating: 0, count: AlarmKind.allCases.count)
    }

    private let state = Mutex(State())
    private let wakeUps = Semaphore()

    /// An empty mailbox.
    package init() {}

    /// Puts an alarm in, from any thread; never waits for whoever tells it.
    ///
    /// When ``AlarmLimits/waitingMax`` wait, the oldest is dropped and counted.
    package func send(_ alarm: Alarm) {
        let isLonger = state.withLock { state in
            if alarm.state == .raised { state.raised[alarm.kind.rawValue] &+= 1 }
            state.waiting.append(alarm)
            guard state.waiting.count > AlarmLimits.waitingMax else { return true }
            state.waiting.removeFirst()
            state.dropped &+= 1
            return false
        }
        if isLonger { wakeUps.signal() }
    }

    /// The oldest alarm, waiting for one until `end`; nil if there is none.
    package func next(until end: MonotonicTime) -> Alarm? {
        guard wakeUps.wait(until: end) else { return nil }
        return state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
    }

    /// Ends the present wait of ``next(until:)``, or the next one.
    package func wakeUp() {
        wakeUps.signal()
    }
}

extension AlarmSink: MetricSource {
    private static let raised = MetricFamily(
        .counter, "kassa_alarms_total", help: "Alarms raised, by what they are about.",
        labels: ["kind"])
    private static let dropped = MetricFamily(
        .counter, "kassa_alarms_dropped_total",
        help: "Alarms that nobody was told of, because too many waited.")

    /// The alarms raised and dropped.
    package var families: [MetricFamily] { [Self.raised, Self.dropped] }

    /// Adds every kind, so that the first alarm of a kind is a rise.
    package func collect(into snapshot: inout MetricSnapshot) {
        let (raised, dropped) = state.withLock { ($0.raised, $0.dropped) }
        for kind in AlarmKind.allCases {
            snapshot.add(Self.raised, [kind.name], count: raised[kind.rawValue])
        }
        snapshot.add(Self.dropped, count: dropped)
    }
}
