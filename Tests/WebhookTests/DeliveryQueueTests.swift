// SPDX-License-Identifier: Apache-2.0

import Base
import Testing

@testable import Webhook

private func event(_ number: Int) -> WebhookEvent {
    WebhookEvent(id: "\(number)", type: "alarm.frozen", body: [])
}

private func time(_ nanoseconds: UInt64) -> MonotonicTime {
    MonotonicTime(nanoseconds: nanoseconds)
}

private func id(_ step: DeliveryQueue.Step) -> String? {
    if case .deliver(let entry) = step { return entry.event.id }
    return nil
}

@Test func `what was queued first is delivered first`() {
    var queue = DeliveryQueue(waitingMax: 10)
    for number in 0..<3 { queue.add(event(number), now: time(5)) }
    #expect(queue.oldest == time(5))
    #expect((0..<4).map { _ in id(queue.next(now: time(5))) } == ["0", "1", "2", nil])
    #expect(queue.oldest == nil)
}

@Test func `an event that waits for its next attempt holds up no other`() {
    var queue = DeliveryQueue(waitingMax: 10)
    queue.add(event(0), now: time(0))
    queue.add(event(1), now: time(1))
    guard case .deliver(let refused) = queue.next(now: time(1)) else {
        Issue.record("nothing is due")
        return
    }
    queue.putBack(refused, dueAt: time(100))
    #expect(queue.oldest == time(0))
    #expect(id(queue.next(now: time(2))) == "1")
    guard case .wait(let until) = queue.next(now: time(99)) else {
        Issue.record("it is not due yet")
        return
    }
    #expect(until == time(100))
    #expect(id(queue.next(now: time(100))) == "0")
}

@Test func `a full queue drops the oldest, at its limit and not before`() {
    var queue = DeliveryQueue(waitingMax: WebhookLimits.waitingMax)
    for number in 0..<WebhookLimits.waitingMax { queue.add(event(number), now: time(0)) }
    #expect(queue.dropped == 0)
    queue.add(event(WebhookLimits.waitingMax), now: time(0))
    #expect(queue.dropped == 1)
    #expect(queue.count == WebhookLimits.waitingMax)
    #expect(id(queue.next(now: time(0))) == "1")
}

@Test func `an event under way is the oldest when the queue fills up meanwhile`() {
    var queue = DeliveryQueue(waitingMax: 2)
    queue.add(event(0), now: time(0))
    guard case .deliver(let entry) = queue.next(now: time(0)) else {
        Issue.record("nothing is due")
        return
    }
    queue.add(event(1), now: time(1))
    queue.add(event(2), now: time(2))
    queue.putBack(entry, dueAt: time(3))
    #expect(queue.dropped == 1)
    #expect(queue.takeOldest()?.event.id == "1")
    queue.dropAll()
    #expect(queue.dropped == 2)
    #expect(queue.takeOldest() == nil)
}
