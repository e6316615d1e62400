// SPDX-License-Identifier: Apache-2.0

internal import Base

/// The events that wait, each with the time of its next attempt: a value without a clock of its own.
struct DeliveryQueue {
    /// An event and what became of it so far.
    struct Entry {
        let event: WebhookEvent
        let queuedAt: MonotonicTime
        /// Increases from event to event.
        let order: UInt64
        var dueAt: MonotonicTime
        var attempts = 0
    }

    /// What to do next.
    enum Step {
        case deliver(Entry)
        case wait(until: MonotonicTime)
    }

    let waitingMax: Int
    private(set) var dropped: UInt64 = 0
    /// In order of queueing.
    private var entries: [Entry] = []
    private var nextOrder: UInt64 = 0

    init(waitingMax: Int) {
        precondition(waitingMax > 0)
        self.waitingMax = waitingMax
    }

    var count: Int { entries.count }

    /// When the oldest event was queued.
    var oldest: MonotonicTime? { entries.first?.queuedAt }

    /// Queues an event that is due now.
    mutating func add(_ event: WebhookEvent, now: MonotonicTime) {
        insert(Entry(event: event, queuedAt: now, order: nextOrder, dueAt: now))
        nextOrder += 1
    }

    /// Puts an event back in its place; when the queue filled up meanwhile, it is the oldest and goes.
    mutating func putBack(_ entry: Entry, dueAt: MonotonicTime) {
        var entry = entry
        entry.dueAt = dueAt
        insert(entry)
    }

    /// Takes the event out that has been due for longest, of those due alike the oldest.
    mutating func next(now: MonotonicTime) -> Step {
        guard let index = entries.indices.min(by: { entries[$0].dueAt < entries[$1].dueAt })
        else { return .wait(until: .distantFuture) }
        guard entries[index].dueAt <= now else { return .wait(until: entries[index].dueAt) }
        return .deliver(entries.remove(at: index))
    }

    /// Takes the oldest event out, due or not.
    mutating func takeOldest() -> Entry? {
        entries.isEmpty ? nil : entries.removeFirst()
    }

    /// Gives up everything that waits.
    mutating func dropAll() {
        dropped += UInt64(entries.count)
        entries.removeAll()
    }

    /// Counts an event that was taken out and does not come back.
    mutating func countDropped() {
        dropped += 1
    }

    private mutating func insert(_ entry: Entry) {
        let index = entries.lastIndex { $0.order < entry.order }.map { $0 + 1 } ?? 0
        entries.insert(entry, at: index)
        guard entries.count > waitingMax else { return }
        entries.removeFirst()
        dropped += 1
    }
}
