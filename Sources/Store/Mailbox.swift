// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Glibc

/// The bounded queue in front of the writer's thread.
///
/// What it bounds is everything not yet completed, so that the writer's own backlog counts too. The
/// critical sections append, swap two arrays or subtract; nothing is called out while it is locked.
@safe final class Mailbox: @unchecked Sendable {
    /// What the writer found.
    enum Event {
        case commands
        case idle
        case stopped
    }

    private let limits: WriterLimits
    // Safe: allocated in init and freed in deinit, because the kernel knows them by address.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    // All below are guarded by `mutex`.
    private var waiting: [any WriteCommand] = []
    private var queuedCommands = 0
    private var queuedBytes = 0
    private var isWriterAsleep = false
    private var isStopping = false

    init(limits: WriterLimits) {
        self.limits = limits
        unsafe mutex = .allocate(capacity: 1)
        unsafe changed = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe changed.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(changed, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    /// Queues `command`, or refuses it at once.
    func submit(_ command: any WriteCommand) throws(StoreError) {
        let bytes = command.byteCount
        let records = command.recordCount
        precondition(records >= 1)
        precondition(bytes >= 0)
        guard records <= limits.groupRecordsMax && bytes <= limits.groupBytesMax else {
            throw .commandTooLarge
        }
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        guard !isStopping else { throw .stopped }
        if !command.needsOwnTransaction {
            guard queuedCommands < limits.queuedCommandsMax else { throw .queueFull }
            guard queuedBytes + bytes <= limits.queuedBytesMax else { throw .queueFull }
        }
        queuedCommands += 1
        queuedBytes += bytes
        waiting.append(command)
        if isWriterAsleep {
            isWriterAsleep = false
            unsafe pthread_cond_signal(changed)
        }
    }

    /// Moves everything that waits into `batch`, which must be empty; false if nothing does.
    func take(into batch: inout [any WriteCommand]) -> Bool {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        swap(&waiting, &batch)
        return !batch.isEmpty
    }

    /// Waits for commands, until `deadline` if there is one, and moves them into `batch`.
    func wait(into batch: inout [any WriteCommand], until deadline: MonotonicTime?) -> Event {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while waiting.isEmpty {
            if isStopping { return .stopped }
            isWriterAsleep = true
            // Safe: the mutex is held, and both pointers live as long as self.
            if let deadline {
                var time = timespec()
                time.tv_sec = Int(deadline.nanoseconds / 1_000_000_000)
                time.tv_nsec = Int(deadline.nanoseconds % 1_000_000_000)
                if unsafe pthread_cond_timedwait(changed, mutex, &time) == ETIMEDOUT {
                    isWriterAsleep = false
                    if waiting.isEmpty && !isStopping { return .idle }
                }
            } else {
                unsafe pthread_cond_wait(changed, mutex)
            }
        }
        isWriterAsleep = false
        swap(&waiting, &batch)
        return .commands
    }

    /// Gives back the room of commands that are about to be completed.
    func release(commands: Int, bytes: Int) {
        unsafe pthread_mutex_lock(mutex)
        queuedCommands -= commands
        queuedBytes -= bytes
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Refuses commands from here on and wakes the writer.
    func stop() {
        unsafe pthread_mutex_lock(mutex)
        isStopping = true
        unsafe pthread_cond_signal(changed)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Commands, and their bytes, that wait or are being written.
    var depth: (commands: Int, bytes: Int) {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return (queuedCommands, queuedBytes)
    }
}
