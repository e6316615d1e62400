// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Synchronization

/// One thread that carries out control work in order: applying configuration, importing models.
///
/// Such work takes milliseconds to seconds and must never run on an event loop. The queue is
/// bounded: when it is full, `submit` says so and the caller refuses the request.
package final class ControlThread: Sendable {
    /// Jobs that may wait.
    package static let queueLengthMax = 64

    private let queue = Queue()
    private let thread: Thread

    /// Starts the thread.
    package init(name: String = "control") {
        thread = Thread(name: name) { [queue] in queue.run() }
    }

    /// Queues `job`; false when the queue is full or the thread is stopping.
    package func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        queue.submit(job)
    }

    /// Finishes the queued jobs and joins the thread. To be called once.
    package func stop() {
        queue.stop()
        thread.join()
    }
}

/// The jobs that wait, and a semaphore that counts them.
private final class Queue: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var isStopping = false
    }

    private let state = Mutex(State())
    private let wakeUps = Semaphore()

    func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        let isAccepted = state.withLock { state in
            guard !state.isStopping, state.jobs.count < ControlThread.queueLengthMax else {
                return false
            }
            state.jobs.append(job)
            return true
        }
        if isAccepted { wakeUps.signal() }
        return isAccepted
    }

    func stop() {
        state.withLock { $0.isStopping = true }
        wakeUps.signal()
    }

    func run() {
        while true {
            wakeUps.wait()
            // The wake-up of `stop` is the last one, so no job is left when none is found.
            let job = state.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }
            guard let job else { return }
            job()
        }
    }
}
