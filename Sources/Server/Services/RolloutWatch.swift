// SPDX-License-Identifier: Apache-2.0

internal import Engine
internal import Transport

/// One watcher of slots, on its loop.
final class RolloutWatch {
    /// The scorer that it watches; empty means all.
    let scorer: String
    /// The number of the newest event that it was told of.
    var seen: UInt64
    /// What waits for the next event; 0 if nothing does.
    private var token: UInt64 = 0
    private let context: LoopContext

    init(scorer: String, seen: UInt64, context: LoopContext) {
        self.scorer = scorer
        self.seen = seen
        self.context = context
    }

    /// Waits for the next event, which comes as an answer to `ticket`.
    func wait(_ ticket: Ticket) throws(EngineError) {
        try context.expectAnswer()
        token = context.engine.events.wait(after: seen) { [answers = context.answers!] batch in
            _ = answers.post(Answer(ticket: ticket, outcome: .events(batch)))
        }
    }

    /// The call has ended. What was posted already still comes, and gives its room back itself.
    func giveUp() {
        if token > 0, context.engine.events.cancel(token) { context.expectNoAnswer() }
        token = 0
    }
}
