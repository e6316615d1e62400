// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Features
internal import Glibc
internal import Store
internal import Synchronization

/// The thread that takes out, pass by pass, what nobody can read any more: expired rows, values of dropped
/// versions, history beyond its time, write ids that are a day old.
///
/// A pass looks at slices in short snapshots, and acts in short transactions that look again: a row that
/// was written meanwhile is judged as it is then. Loops and the writer are never kept waiting for long.
final class Housekeeper: Sendable {
    /// Entries that a slice looks at.
    static let sliceEntriesMax = 2_000
    /// Rest between two slices, in microseconds: at most 200,000 entries a second are looked at.
    static let restMicroseconds: UInt32 = 10_000

    private let engine: Engine
    private let thread: Mutex<Thread?> = Mutex(nil)
    private let isStopping = Atomic(false)

    init(_ engine: Engine) {
        self.engine = engine
    }

    /// Begins a pass at once, and another each `seconds` after the last one's end.
    func start(everySeconds seconds: Int) {
        thread.withLock { thread in
            thread = Thread(name: "housekeeper") { [self] in run(everySeconds: seconds) }
        }
    }

    /// Ends the pass that is under way, and the thread.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    private var isStopped: Bool { isStopping.load(ordering: .acquiring) }

    private func run(everySeconds seconds: Int) {
        while !isStopped {
            // What fails now (a full disk, a store that latched) is tried again in the next pass.
            try? pass()
            var rests = seconds * 10
            while rests > 0, !isStopped {
                usleep(100_000)
                rests -= 1
            }
        }
    }

    /// One pass over everything.
    func pass() throws(EngineError) {
        let now = Timestamp.now().microseconds
        let catalog = engine.published.current.features
        for table in engine.tables.allRows { try sweepRows(Sweep(catalog, now: now), in: table) }
        try sweepHistory(HistorySweep(catalog, now: now))
        try forgetWriteIDs(now: now)
    }

    private func sweepRows(_ initial: Sweep, in table: Table) throws(EngineError) {
        var looking = initial
        var acting = initial
        var next: [UInt8]? = []
        var scratch = RowScratch()
        while let start = next, !isStopped {
            var found: [[UInt8]] = []
            next = try slice(of: table, from: start) { key, row in
                if looking.visit(key, row, with: &scratch) != .keep { found.append(copy(key)) }
            }
            if !found.isEmpty {
                let before = acting
                acting = try engine.run { [engine, found] transaction, _ in
                    var sweep = before
                    try engine.sweep(found, of: table, &sweep, in: &transaction)
                    return sweep
                }
            }
            usleep(Self.restMicroseconds)
        }
        engine.metrics.swept(acting.counts)
    }

    private func sweepHistory(_ initial: HistorySweep) throws(EngineError) {
        var sweep = initial
        var next: [UInt8]? = []
        while let start = next, !isStopped {
            var found: [[UInt8]] = []
            next = try slice(of: engine.tables.history, from: start) { key, _ in
                if sweep.deletes(key) { found.append(copy(key)) }
            }
            try delete(found, from: engine.tables.history)
            usleep(Self.restMicroseconds)
        }
        engine.metrics.sweptHistory(sweep.deletedCount)
    }

    private func forgetWriteIDs(now: Int64) throws(EngineError) {
        let table = engine.tables.writeIDs
        let entries: UInt64
        do throws(StoreError) {
            entries =
                try engine.environment.statistics().tables.first { $0.name == "write_ids" }?
                .entries ?? 0
        } catch { throw EngineError(error) }
        var expiry = WriteIDExpiry(now: now, count: Int(clamping: entries / 2))
        while !isStopped {
            var found: [[UInt8]] = []
            do throws(StoreError) {
                try engine.environment.read { transaction throws(StoreError) in
                    let prefix = WriteIDExpiry.prefix
                    try transaction.scan(table, prefix: prefix.span) { key, _ in
                        guard expiry.forgets(key) else { return false }
                        found.append(copy(key))
                        found.append(WriteIDExpiry.recordKey(of: key))
                        return found.count < Self.sliceEntriesMax
                    }
                }
            } catch { throw EngineError(error) }
            guard !found.isEmpty else { return }
            try delete(found, from: table)
            usleep(Self.restMicroseconds)
        }
    }

    private func delete(_ keys: [[UInt8]], from table: Table) throws(EngineError) {
        guard !keys.isEmpty else { return }
        try engine.run { transaction, _ in
            for key in keys { _ = try transaction.delete(key.span, in: table) }
        }
    }

    /// Shows up to a slice of a table's entries to `body`; returns where the next one begins, nil at the
    /// end.
    private func slice(
        of table: Table, from start: [UInt8], _ body: (Span<UInt8>, Span<UInt8>) -> Void
    ) throws(EngineError) -> [UInt8]? {
        var count = 0
        var next: [UInt8]?
        do throws(StoreError) {
            try engine.environment.read { transaction throws(StoreError) in
                let everything: [UInt8] = []
                try transaction.scan(table, prefix: everything.span, from: start.span) {
                    key, value in
                    guard count < Self.sliceEntriesMax else {
                        next = copy(key)
                        return false
                    }
                    count += 1
                    body(key, value)
                    return true
                }
            }
        } catch {
            throw EngineError(error)
        }
        return next
    }
}

private func copy(_ bytes: Span<UInt8>) -> [UInt8] {
    bytes.indices.map { bytes[$0] }
}

extension Engine {
    /// Judges rows again within a transaction, and does what the sweep says.
    fileprivate func sweep(
        _ keys: [[UInt8]], of table: Table, _ sweep: inout Sweep,
        in transaction: inout WriteTransaction
    ) throws(StoreError) {
        try writerMemory.withScratch { scratch throws(StoreError) in
            for key in keys {
                let verdict: SweepVerdict
                if let row = try transaction.value(forKey: key.span, in: table) {
                    verdict = sweep.visit(key.span, row, with: &scratch)
                } else {
                    continue
                }
                switch verdict {
                case .keep: break
                case .put: try transaction.put(scratch.row, forKey: key.span, in: table)
                case .delete: _ = try transaction.delete(key.span, in: table)
                }
            }
        }
    }
}
