// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Who acts next: a binary heap of times, ties broken by the session's number.
struct Agenda: Sendable {
    struct Entry: Comparable, Sendable {
        var time: Timestamp
        var session: Int

        static func < (left: Entry, right: Entry) -> Bool {
            (left.time.microseconds, left.session) < (right.time.microseconds, right.session)
        }
    }

    private var heap: [Entry] = []

    var first: Entry? { heap.first }

    mutating func insert(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() -> Entry? {
        guard let earliest = heap.first, let last = heap.popLast() else { return nil }
        if heap.isEmpty { return earliest }
        heap[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            if child >= heap.count { return earliest }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            if heap[parent] < heap[child] { return earliest }
            heap.swapAt(parent, child)
            parent = child
        }
    }
}
