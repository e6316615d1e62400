// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Synchronization

/// What the engine remembers of looking after its store.
final class Care: Sendable {
    struct State {
        var snapshots = 0
        var deletions = 0
        var lastSnapshot: KassaV1.SnapshotReport?
    }

    let scrubber = Scrubber()
    /// The thread for long work, which keeps the control thread free; started when first needed.
    private let thread = Mutex<ControlThread?>(nil)
    private let state = Mutex(State())

    /// How things are now.
    var snapshot: State { state.withLock { $0 } }

    /// Queues `job` for the thread of long work; false when the queue is full.
    func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        let worker = thread.withLock { thread in
            let worker = thread ?? ControlThread(name: "care")
            thread = worker
            return worker
        }
        return worker.submit(job)
    }

    /// Ends both threads, once their work is done or given up.
    func stop() {
        thread.withLock { $0.take() }?.stop()
        scrubber.stop()
    }

    /// Notes that an artefact is about to be deleted; false while a snapshot may still need it.
    func beginDeletion() -> Bool {
        state.withLock { state in
            guard state.snapshots == 0 else { return false }
            state.deletions += 1
            return true
        }
    }

    /// Notes that it is gone.
    func endDeletion() {
        state.withLock { $0.deletions -= 1 }
    }

    /// From now on artefacts stay; false while one is just being deleted.
    func beginSnapshot() -> Bool {
        state.withLock { state in
            guard state.deletions == 0 else { return false }
            state.snapshots += 1
            return true
        }
    }

    /// Notes what became of a snapshot.
    func endSnapshot(_ report: KassaV1.SnapshotReport) {
        state.withLock { state in
            state.snapshots -= 1
            state.lastSnapshot = report
        }
    }
}
