// SPDX-License-Identifier: Apache-2.0

import Alarms
import Base
import Metrics
import Testing

private func alarm(_ number: Int) -> Alarm {
    Alarm(.frozen, reason: "\(number)", at: Timestamp(microseconds: 0), id: "\(number)")
}

private func count(_ name: String, _ labels: [String], of sink: AlarmSink) -> UInt64? {
    var snapshot = MetricSnapshot()
    sink.collect(into: &snapshot)
    guard let family = sink.families.first(where: { $0.name == name }),
        let value = snapshot.samples(of: family).first(where: { $0.labels == labels })?.value,
        case .count(let count) = value
    else { return nil }
    return count
}

private let past = MonotonicTime(nanoseconds: 0)

@Test func `alarms come out in the order in which they went in`() {
    let sink = AlarmSink()
    #expect(sink.next(until: past) == nil)
    for number in 0..<3 { sink.send(alarm(number)) }
    #expect((0..<4).map { _ in sink.next(until: past)?.id } == ["0", "1", "2", nil])
}

@Test func `a full mailbox drops the oldest and counts it`() {
    let sink = AlarmSink()
    for number in 0..<AlarmLimits.waitingMax { sink.send(alarm(number)) }
    #expect(count("kassa_alarms_dropped_total", [], of: sink) == 0)
    sink.send(alarm(AlarmLimits.waitingMax))
    #expect(count("kassa_alarms_dropped_total", [], of: sink) == 1)
    let ids = (0..<AlarmLimits.waitingMax).map { _ in sink.next(until: past)?.id }
    #expect(ids == (1...AlarmLimits.waitingMax).map { "\($0)" })
    #expect(sink.next(until: past) == nil)
}

@Test func `alarms are counted by kind when they are raised`() {
    let sink = AlarmSink()
    sink.send(alarm(1))
    sink.send(Alarm(.storeDamage, reason: ""))
    sink.send(Alarm(.storeDamage, .cleared, reason: ""))
    #expect(count("kassa_alarms_total", ["frozen"], of: sink) == 1)
    #expect(count("kassa_alarms_total", ["store_damage"], of: sink) == 1)
    #expect(count("kassa_alarms_total", ["rolled_back"], of: sink) == 0)
}

@Test func `alarms of several threads all arrive`() {
    let sink = AlarmSink()
    let threads = (0..<4).map { thread in
        Thread(name: "sender") { for number in 0..<50 { sink.send(alarm(thread * 50 + number)) } }
    }
    var ids: Set<String> = []
    let end = MonotonicTime.now().advanced(byNanoseconds: 20_000_000_000)
    while ids.count < 200, let alarm = sink.next(until: end) { ids.insert(alarm.id) }
    for thread in threads { thread.join() }
    #expect(ids.count == 200)
}

@Test func `a waiting thread is woken without an alarm`() {
    let sink = AlarmSink()
    let thread = Thread(name: "waker") { sink.wakeUp() }
    #expect(sink.next(until: .distantFuture) == nil)
    thread.join()
}
