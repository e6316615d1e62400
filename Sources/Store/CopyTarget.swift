// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// The pipe that LMDB copies itself into, and the way to make it stop.
struct CopyTarget: Sendable {
    private var descriptor: Int32 = -1
    /// From now on every copy is given up.
    private(set) var isCancelled = false

    /// Notes the pipe of a copy that begins.
    mutating func begin(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Forgets it, before it is closed.
    mutating func end() {
        descriptor = -1
    }

    /// Makes LMDB's next write fail: it asks nobody whether to go on, but it heeds a full disk.
    mutating func cancel() {
        isCancelled = true
        stop()
    }

    /// The same for the copy under way alone.
    mutating func stop() {
        guard descriptor >= 0 else { return }
        let full = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
        guard full >= 0 else { return }
        dup2(full, descriptor)
        close(full)
    }
}

extension Environment {
    /// Gives up the snapshot or compact copy that is being made, and every later one: for a process
    /// that is about to end. They throw `copyCancelled`.
    package func cancelCopies() {
        copyTarget.withLock { $0.cancel() }
    }

    /// - Throws: `copyCancelled`, if copies are to be given up.
    func checkCopy() throws(StoreError) {
        guard !copyTarget.withLock({ $0.isCancelled }) else { throw .copyCancelled }
    }
}
