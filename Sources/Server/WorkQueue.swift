// SPDX-License-Identifier: Apache-2.0

internal import Engine

/// Which thread does what a loop must not: both take one piece of work after another.
enum WorkQueue {
    /// Changes of configuration and what looks at it; milliseconds to seconds.
    case control
    /// What blocks for as long as the disks need: snapshots.
    case long

    /// Queues `job`; false when the queue is full.
    func submit(in context: LoopContext, _ job: @escaping @Sendable () -> Void) -> Bool {
        switch self {
        case .control: context.control.submit(job)
        case .long: context.engine.submitLong(job)
        }
    }

    /// The refusal of work for which a queue has no room.
    static var busy: EngineError {
        EngineError(
            .resourceExhausted, "too much control work is queued; try again later",
            retryMilliseconds: EngineLimits.workRetryMilliseconds)
    }
}
