// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Synchronization

/// What runs on the writer's thread: takes commands, commits them in groups, and reports.
///
/// Nothing here allocates for a command once the arrays have grown to their working size.
struct WriterLoop: ~Copyable {
    private enum Attempt {
        case committed(Durability, syncFailure: StoreError?)
        case nothingToCommit
        case failed(StoreError)
        /// A command threw after it had written: its writes are gone with the transaction, and so are
        /// the others', which are applied again.
        case again
    }

    private static let housekeepingNanoseconds: UInt64 = 250_000_000
    /// The pause after a failed attempt to open the store again; it doubles, up to 32 times this.
    private static let reopenNanoseconds: UInt64 = 20_000_000

    private let environment: Environment
    private let mailbox: Mailbox
    private let counters: WriterCounters
    private let limits: WriterLimits
    private var backlog: [any WriteCommand] = []
    private var backlogIndex = 0
    private var group = WriteGroup()
    private var sequence: UInt64
    /// When the last fast group was committed, if nothing has synced it since.
    private var unsyncedSince: MonotonicTime?
    /// The last write sequence that is surely on disk, and the one that was noted beside the data.
    private var syncedSequence: UInt64 = 0
    private var notedSequence: UInt64 = 0
    private var nextHousekeeping = MonotonicTime.now()
    /// When to try again to open the store after LMDB gave up.
    private var nextReopen: MonotonicTime?
    /// Attempts since the last commit.
    private var reopenAttempts: UInt64 = 0

    init(
        environment: Environment, mailbox: Mailbox, counters: WriterCounters,
        limits: WriterLimits, sequence: UInt64
    ) {
        self.environment = environment
        self.mailbox = mailbox
        self.counters = counters
        self.limits = limits
        self.sequence = sequence
    }

    /// Works until the mailbox is stopped and drained.
    mutating func run() {
        while true {
            if environment.writeRefusal == .panicked && nextReopen == nil { reopenOrWait() }
            keepHouse()
            if refillBacklog(mayWait: true) {
                commitGroup()
            } else {
                return
            }
        }
    }

    /// Makes sure that the backlog has a command; false if there is none (or, waiting, will be none).
    private mutating func refillBacklog(mayWait: Bool) -> Bool {
        if backlogIndex < backlog.count { return true }
        backlog.removeAll(keepingCapacity: true)
        backlogIndex = 0
        guard mayWait else { return mailbox.take(into: &backlog) }
        while true {
            switch mailbox.wait(into: &backlog, until: nextDeadline) {
            case .commands: return true
            case .idle:
                let now = MonotonicTime.now()
                if let syncDeadline, syncDeadline <= now { syncIdle() }
                if let nextReopen, nextReopen <= now { reopen() }
                keepHouse()
            case .stopped:
                syncIdle()
                noteSequence()
                return false
            }
        }
    }

    private var syncDeadline: MonotonicTime? {
        unsyncedSince?.advanced(byNanoseconds: limits.idleSyncMicroseconds * 1_000)
    }

    private var nextDeadline: MonotonicTime {
        var next = nextHousekeeping
        if let syncDeadline { next = min(next, syncDeadline) }
        if let nextReopen { next = min(next, nextReopen) }
        return next
    }

    private mutating func keepHouse() {
        let now = MonotonicTime.now()
        guard now >= nextHousekeeping else { return }
        nextHousekeeping = now.advanced(byNanoseconds: Self.housekeepingNanoseconds)
        environment.keepHouse(now: now)
        noteSequence()
    }

    private mutating func noteSequence() {
        guard syncedSequence > notedSequence else { return }
        notedSequence = syncedSequence
        environment.note.write(syncedSequence)
    }

    /// Opens the store again after LMDB gave up, and goes on from the sequence that is in it: the group
    /// whose meta page failed may have reached the file after all.
    private mutating func reopen() {
        unsyncedSince = nil
        reopenAttempts += 1
        do throws(StoreError) {
            try environment.reopen()
            sequence = try environment.read { (transaction) throws(StoreError) in
                try transaction.number(.sequence, in: environment.meta) ?? 0
            }
            counters.lastSequence.store(sequence, ordering: .relaxed)
            nextReopen = nil
        } catch {
            waitToReopen()
        }
    }

    /// Opens the store again at once, or after a pause if the last opening did not lead to a commit.
    private mutating func reopenOrWait() {
        if reopenAttempts == 0 { reopen() } else { waitToReopen() }
    }

    private mutating func waitToReopen() {
        let pause = Self.reopenNanoseconds << min(reopenAttempts, 5)
        nextReopen = MonotonicTime.now().advanced(byNanoseconds: pause)
    }

    private mutating func syncIdle() {
        guard unsyncedSince != nil else { return }
        unsyncedSince = nil
        counters.syncs.wrappingAdd(1, ordering: .relaxed)
        do throws(StoreError) {
            try environment.sync()
            syncedSequence = sequence
        } catch {
            // Nobody waits for this one; the environment is read-only now and says so.
            counters.failedGroups.wrappingAdd(1, ordering: .relaxed)
        }
    }

    private mutating func commitGroup() {
        let started = MonotonicTime.now()
        var attempt = Attempt.again
        while case .again = attempt { attempt = attemptGroup(started: started) }
        report(attempt)
        group.removeAll()
    }

    /// Applies the group in one transaction, taking more commands in while there are any and the
    /// limits allow, and commits it.
    private mutating func attemptGroup(started: MonotonicTime) -> Attempt {
        do throws(StoreError) {
            var transaction = try environment.beginWrite()
            var durability = Durability.fast
            var sequence = sequence
            var index = 0
            var applied = 0
            while index < group.entries.count || takeCommandIn(started: started) {
                defer { index += 1 }
                guard group.entries[index].failure == nil else { continue }
                let command = group.entries[index].command
                let mutationCount = transaction.mutationCount
                // A control-plane change may be the one that frees the map.
                if command.needsOwnTransaction { transaction.putRefusal = nil }
                do throws(StoreError) {
                    try command.apply(in: &transaction, sequence: sequence + 1)
                } catch {
                    group.exclude(index, error)
                }
                if transaction.failureCode != 0 {
                    throw environment.writeFailure(transaction.failureCode, call: "mdb_put")
                }
                guard group.entries[index].failure == nil else {
                    guard transaction.mutationCount == mutationCount else {
                        group.isClosed = true
                        return .again
                    }
                    continue
                }
                sequence += 1
                applied += 1
                group.applied(index, sequence: sequence)
                durability = max(durability, command.durability)
            }
            guard applied > 0 else { return .nothingToCommit }
            transaction.putRefusal = nil
            do throws(StoreError) {
                try transaction.put(sequence, .sequence, in: environment.meta)
            } catch {
                throw environment.writeFailure(transaction.failureCode, call: "mdb_put")
            }
            return try commit(transaction, sequence: sequence, durability: durability)
        } catch {
            // In a larger map it fits, perhaps. A control-plane change runs once and only once.
            guard error == .mapFull, group.entries.first?.command.needsOwnTransaction == false,
                environment.growMap() == .grown
            else { return .failed(error) }
            group.readmit(.mapFull)
            return .again
        }
    }

    private mutating func commit(
        _ transaction: consuming WriteTransaction, sequence: UInt64, durability: Durability
    ) throws(StoreError) -> Attempt {
        let started = MonotonicTime.now()
        defer {
            let elapsed = MonotonicTime.now().nanoseconds(since: started)
            counters.commitMicroseconds.record(elapsed / 1_000)
        }
        try environment.commit(transaction)
        reopenAttempts = 0
        // This commit has synced the meta page of the one before.
        syncedSequence = self.sequence
        self.sequence = sequence
        counters.lastSequence.store(sequence, ordering: .relaxed)
        environment.faults.hit(.committed)
        guard durability == .durable else {
            unsyncedSince = MonotonicTime.now()
            return .committed(.fast, syncFailure: nil)
        }
        counters.syncs.wrappingAdd(1, ordering: .relaxed)
        unsyncedSince = nil
        do throws(StoreError) {
            try environment.sync()
            syncedSequence = sequence
            return .committed(.durable, syncFailure: nil)
        } catch {
            return .committed(.fast, syncFailure: error)
        }
    }

    /// Takes the next command into the group; false if there is none, or the group is full.
    private mutating func takeCommandIn(started: MonotonicTime) -> Bool {
        guard !group.isClosed else { return false }
        if backlogIndex == backlog.count {
            // What waited when the group began is in it; what came since is taken for a while only.
            let elapsed = MonotonicTime.now().nanoseconds(since: started)
            guard elapsed <= limits.groupDelayMicrosecondsMax * 1_000 else { return false }
            guard refillBacklog(mayWait: false) else { return false }
        }
        let command = backlog[backlogIndex]
        let records = command.recordCount
        let bytes = command.byteCount
        guard group.hasRoom(records: records, bytes: bytes, limits: limits) else { return false }
        if command.needsOwnTransaction && !group.entries.isEmpty { return false }
        group.isClosed = command.needsOwnTransaction
        group.append(command, records: records, bytes: bytes)
        backlogIndex += 1
        return true
    }

    /// Counts the group, gives its room in the mailbox back, and completes its commands.
    private mutating func report(_ attempt: Attempt) {
        // A writer that cannot even begin has taken nothing in: everything that waits fails alike.
        if group.entries.isEmpty { takeBacklogIn() }
        environment.faults.hit(.acknowledge)
        mailbox.release(commands: group.entries.count, bytes: group.bytes)
        count(attempt)
        for entry in group.entries {
            entry.command.completed(outcome(entry, attempt))
        }
    }

    private mutating func takeBacklogIn() {
        while backlogIndex < backlog.count {
            let command = backlog[backlogIndex]
            group.append(command, records: command.recordCount, bytes: command.byteCount)
            backlogIndex += 1
        }
    }

    private func outcome(_ entry: WriteGroup.Entry, _ attempt: Attempt) -> WriteOutcome {
        if let failure = entry.failure { return .failed(failure) }
        switch attempt {
        case .committed(let reached, let syncFailure):
            if let syncFailure, entry.command.durability == .durable {
                return .failed(syncFailure)
            }
            return .committed(sequence: entry.sequence, reached)
        case .failed(let error): return .failed(error)
        case .nothingToCommit, .again:
            preconditionFailure("a command was neither applied nor left out")
        }
    }

    private func count(_ attempt: Attempt) {
        var committed = 0
        switch attempt {
        case .committed(_, let syncFailure):
            committed = group.entries.count { $0.failure == nil }
            counters.groups.wrappingAdd(1, ordering: .relaxed)
            var (records, bytes) = (group.records, group.bytes)
            for entry in group.entries where entry.failure != nil {
                records -= entry.command.recordCount
                bytes -= entry.byteCount
            }
            counters.groupRecords.record(UInt64(records))
            counters.records.wrappingAdd(UInt64(records), ordering: .relaxed)
            counters.bytes.wrappingAdd(UInt64(bytes), ordering: .relaxed)
            counters.commands.wrappingAdd(UInt64(committed), ordering: .relaxed)
            if syncFailure != nil { counters.failedGroups.wrappingAdd(1, ordering: .relaxed) }
        case .failed:
            counters.failedGroups.wrappingAdd(1, ordering: .relaxed)
        case .nothingToCommit, .again:
            break
        }
        let failed = UInt64(group.entries.count - committed)
        counters.failedCommands.wrappingAdd(failed, ordering: .relaxed)
    }
}
