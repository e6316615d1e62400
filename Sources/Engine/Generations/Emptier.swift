// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Features
internal import Glibc
internal import Store
internal import Synchronization
internal import Wire

/// Deletes the rows of discarded generations, a bounded number in each commit, on a thread of its own.
///
/// What is to be deleted is stored; the note goes with the last rows. So a process that ends in the
/// middle goes on when it starts again, and a table is only given to another generation when empty.
final class Emptier: Sendable {
    private struct Job: Sendable {
        let discard: KassaStorageV1.StoredDiscard
        let set: FeatureSet?
    }

    private struct State {
        var jobs: [Job] = []
        var thread: Thread?
        var isStopping = false
    }

    private let environment: Environment
    private let writer: Writer
    private let tables: EngineTables
    private let state = Mutex(State())

    init(environment: Environment, writer: Writer, tables: EngineTables) {
        self.environment = environment
        self.writer = writer
        self.tables = tables
    }

    /// The generations whose rows are being deleted.
    var discards: [KassaStorageV1.StoredDiscard] {
        state.withLock { $0.jobs.map(\.discard) }
    }

    /// Has the rows of a discarded generation deleted, after those before it.
    func add(_ discard: KassaStorageV1.StoredDiscard, of set: FeatureSet?) {
        let finished = state.withLock { state -> Thread? in
            guard !state.isStopping else { return nil }
            state.jobs.append(Job(discard: discard, set: set))
            guard state.jobs.count == 1 else { return nil }
            // The thread before this one has seen no job left and ends.
            let before = state.thread
            state.thread = Thread(name: "emptier") { [weak self] in self?.run() }
            return before
        }
        finished?.join()
    }

    /// Ends after the commit that is under way.
    func stop() {
        let thread = state.withLock { state in
            state.isStopping = true
            let thread = state.thread
            state.thread = nil
            return thread
        }
        thread?.join()
    }

    private func run() {
        while let job = state.withLock({ $0.isStopping ? nil : $0.jobs.first }) {
            guard empty(job) else { return }
            let hasMore = state.withLock { state in
                state.jobs.removeFirst()
                return !state.jobs.isEmpty
            }
            guard hasMore else { return }
        }
    }

    /// Deletes step by step; false if stopped or the store fails, when the next start goes on.
    private func empty(_ job: Job) -> Bool {
        // Without its set a generation cannot be told from the others in the table of all rows.
        guard let generation = job.discard.generation,
            let table = tables.rowTable(generation.table), generation.table > 0 || job.set != nil
        else { return true }
        let rows = RowRange(table, of: job.set, isShared: generation.table == 0)
        let note = Discard.key(job.discard)
        let resources = tables.resources
        var start: [UInt8]?
        while !state.withLock({ $0.isStopping }) {
            do {
                start = try writer.run { [start] transaction, _ in
                    var keys: [[UInt8]] = []
                    let next = try rows.visit(
                        in: transaction, from: start, takenMax: EngineLimits.emptiedRowsMax
                    ) { key, _ in keys.append(key.indices.map { key[$0] }) }
                    for key in keys { try transaction.delete(key.span, in: rows.table) }
                    if next == nil { try transaction.delete(note.span, in: resources) }
                    return next
                }
            } catch StoreError.mapFull, StoreError.diskFull, StoreError.queueFull {
                usleep(1_000_000)
                continue
            } catch {
                return false
            }
            guard start != nil else { return true }
            environment.faults.hit(.generationEmptied)
            // Other writes get their turn.
            usleep(2_000)
        }
        return false
    }
}

/// The stored notes of discarded generations.
enum Discard {
    static func key(_ discard: KassaStorageV1.StoredDiscard) -> [UInt8] {
        ResourceKind.key(
            ResourceKind.discard, "\(discard.featureSet)/\(discard.generation?.id ?? 0)")
    }
}

extension Engine {
    /// The generations whose rows are not all deleted yet.
    static func discards(
        _ environment: Environment, _ tables: EngineTables
    ) throws(StoreError) -> [KassaStorageV1.StoredDiscard] {
        try environment.read { transaction throws(StoreError) in
            var found: [KassaStorageV1.StoredDiscard] = []
            let prefix = ResourceKind.key(ResourceKind.discard, "")
            try transaction.scan(tables.resources, prefix: prefix.span) { _, value in
                if let discard = try? KassaStorageV1.StoredDiscard(decoding: value) {
                    found.append(discard)
                }
                return true
            }
            return found
        }
    }
}
