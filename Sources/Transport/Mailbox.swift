// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A bounded queue of messages from any thread to an event loop, which is woken for them.
///
/// Made by ``EventLoop/mailbox(capacity:deliver:)``.
package final class Mailbox<Message: Sendable>: Sendable {
    private let capacity: Int
    private let messages: Mutex<[Message]>
    private let handle: LoopHandle

    init(capacity: Int, handle: LoopHandle) {
        precondition(capacity > 0)
        self.capacity = capacity
        self.handle = handle
        var empty: [Message] = []
        empty.reserveCapacity(capacity)
        messages = Mutex(empty)
    }

    /// Queues `message` and wakes the loop; false if the mailbox is full.
    package func post(_ message: Message) -> Bool {
        let isQueued = messages.withLock { messages in
            guard messages.count < capacity else { return false }
            messages.append(message)
            return true
        }
        if isQueued { handle.ring() }
        return isQueued
    }

    /// Swaps the queued messages for the empty array `spare`.
    func exchange(_ spare: inout [Message]) {
        messages.withLock { messages in swap(&messages, &spare) }
    }
}
