// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Glibc
internal import Synchronization

/// The one writer of an environment: a bounded mailbox and the OS thread that empties it.
///
/// Commands are applied in the order they were queued and committed in groups: what waits goes at
/// once, with what arrives meanwhile; a group closes at the records, the bytes or the delay of its
/// ``WriterLimits``. Nothing waits for a group to fill.
@safe package final class Writer: Sendable {
    private let environment: Environment
    private let mailbox: Mailbox
    private let counters: WriterCounters
    private let thread: Thread
    private let isJoined = Mutex(false)
    private let hasEnded = Atomic<Bool>(false)

    /// Starts the writer's thread.
    ///
    /// - Precondition: the environment has no other writer.
    package init(
        environment: Environment, limits: WriterLimits = WriterLimits()
    ) throws(StoreError) {
        let isFirst = !environment.hasWriter.exchange(true, ordering: .acquiringAndReleasing)
        precondition(isFirst, "an environment has one writer")
        let counters = WriterCounters()
        let mailbox = Mailbox(limits: limits)
        do throws(StoreError) {
            let sequence = try environment.read { (transaction) throws(StoreError) in
                try transaction.number(.sequence, in: environment.meta) ?? 0
            }
            // No store gets there by counting; a damaged one must not overflow.
            guard sequence < UInt64.max / 2 else {
                throw .foreignFile(
                    path: environment.path + "/data.mdb", reason: "its write sequence is impossible"
                )
            }
            counters.lastSequence.store(sequence, ordering: .relaxed)
            thread = Thread(name: "kassa-writer") {
                var loop = WriterLoop(
                    environment: environment, mailbox: mailbox, counters: counters,
                    limits: limits, sequence: sequence)
                loop.run()
            }
        } catch {
            environment.hasWriter.store(false, ordering: .releasing)
            throw error
        }
        self.environment = environment
        self.mailbox = mailbox
        self.counters = counters
    }

    deinit {
        stop()
    }

    /// Queues `command`; it is completed on the writer's thread later.
    ///
    /// - Throws: `queueFull`, `commandTooLarge` or `stopped`, at once and with nothing queued; also
    ///   `readOnlyLatched` or `panicked`, since it could only fail.
    package func submit(_ command: any WriteCommand) throws(StoreError) {
        if let refusal = environment.writeRefusal { throw refusal }
        try mailbox.submit(command)
    }

    /// Makes a control-plane change: `body` runs once, on the writer's thread, in a transaction of its
    /// own, and this returns its result once that is durable. What `body` throws is thrown here, and
    /// then nothing of it is written.
    ///
    /// - Throws: also what ``submit(_:)`` throws, though never `queueFull`; what a commit throws; and
    ///   `writeFailed`, after which the change may be visible and is not surely on disk.
    ///
    /// - Precondition: not called on the writer's thread, which would wait for itself.
    package func run<Result: Sendable>(
        _ body:
            @escaping @Sendable (
                _ transaction: inout WriteTransaction, _ sequence: UInt64
            ) throws -> Result
    ) throws -> Result {
        precondition(!isOnWriterThread)
        let command = ControlCommand(body)
        try submit(command)
        return try command.wait()
    }

    /// Refuses new commands, waits until all queued ones are completed and synced, and ends the
    /// thread. Calling it again does nothing.
    ///
    /// - Precondition: not called on the writer's thread.
    package func stop() {
        precondition(!isOnWriterThread)
        mailbox.stop()
        isJoined.withLock { isJoined in
            guard !isJoined else { return }
            // Joined once, by whoever holds the lock; the identifier means nothing afterwards.
            thread.join()
            isJoined = true
            hasEnded.store(true, ordering: .releasing)
            environment.hasWriter.store(false, ordering: .releasing)
        }
    }

    /// The counters now.
    package var statistics: WriterStatistics {
        let depth = mailbox.depth
        return WriterStatistics(
            groups: counters.groups.load(ordering: .relaxed),
            failedGroups: counters.failedGroups.load(ordering: .relaxed),
            commands: counters.commands.load(ordering: .relaxed),
            failedCommands: counters.failedCommands.load(ordering: .relaxed),
            records: counters.records.load(ordering: .relaxed),
            bytes: counters.bytes.load(ordering: .relaxed),
            syncs: counters.syncs.load(ordering: .relaxed),
            lastSequence: counters.lastSequence.load(ordering: .relaxed),
            queuedCommands: depth.commands,
            queuedBytes: depth.bytes,
            groupRecords: counters.groupRecords.snapshot,
            commitMicroseconds: counters.commitMicroseconds.snapshot)
    }

    private var isOnWriterThread: Bool {
        !hasEnded.load(ordering: .acquiring) && thread.isCurrent
    }
}
