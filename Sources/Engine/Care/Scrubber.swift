// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Glibc
internal import Store
internal import Synchronization

/// The thread that looks at every entry of the store: slowly all the time, so that damage is found while
/// a good copy still exists; and at once, when somebody asks.
///
/// Both are one thing at a time: a look that is asked for takes the place of the slow one, which
/// begins anew afterwards.
final class Scrubber: Sendable {
    struct State {
        var number: UInt64 = 0
        /// The pace of a look that was asked for and has not begun.
        var request: UInt64?
        var running: KassaV1.ScanReport?
        var lastVerify: KassaV1.ScanReport?
        var lastScrub: KassaV1.ScanReport?
    }

    private let state = Mutex(State())
    private let thread: Mutex<Thread?> = Mutex(nil)
    private let isStopping = Atomic(false)
    /// Entries and damaged ones of the look under way.
    private let entries = Atomic<UInt64>(0)
    private let damaged = Atomic<UInt64>(0)
    /// Rows since the start, and damaged ones.
    let rowsSeen = Atomic<UInt64>(0)
    let entriesDamaged = Atomic<UInt64>(0)

    /// Begins to look at the store of `engine`, which stops this before it goes: all of it each
    /// `periodSeconds`; 0 means only when asked.
    func start(_ engine: Engine, periodSeconds: Int) {
        thread.withLock { thread in
            guard thread == nil else { return }
            thread = Thread(name: "scrub") { [self] in
                run(engine, periodSeconds: periodSeconds)
            }
        }
    }

    /// Ends the look that is under way, and the thread.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    /// Asks for a look at `bytesPerSecond` (0: as fast as it goes), unless one is under way or waits.
    func request(bytesPerSecond: UInt64) throws(EngineError) {
        guard !isStopped, thread.withLock({ $0 != nil }) else {
            throw EngineError(.unavailable, "the server is not running or is about to end")
        }
        state.withLock { state in
            if state.running?.wasAskedFor == true || state.request != nil { return }
            state.request = bytesPerSecond
            state.number += 1
            var report = KassaV1.ScanReport()
            report.number = state.number
            report.wasAskedFor = true
            report.startedAtUs = Timestamp.now().microseconds
            report.bytesPerSecond = bytesPerSecond
            state.running = report
        }
    }

    /// How things are now.
    var snapshot: State {
        var copy = state.withLock { $0 }
        if copy.request == nil {
            copy.running?.entries = entries.load(ordering: .relaxed)
            copy.running?.damaged = damaged.load(ordering: .relaxed)
        }
        return copy
    }

    private var isStopped: Bool { isStopping.load(ordering: .acquiring) }

    private func run(_ engine: Engine, periodSeconds: Int) {
        var isDue = periodSeconds > 0
        var next = MonotonicTime.now()
        while !isStopped {
            if let rate = state.withLock({ $0.request.take() }) {
                look(engine, bytesPerSecond: rate, isAskedFor: true)
                continue
            }
            if isDue, MonotonicTime.now() >= next {
                let begun = MonotonicTime.now()
                let used = (try? engine.environment.statistics()).map {
                    $0.usedPages * $0.pageBytes
                }
                let rate = Self.rate(of: used ?? 0, periodSeconds: periodSeconds)
                if look(engine, bytesPerSecond: rate, isAskedFor: false) {
                    next = begun.advanced(byNanoseconds: UInt64(periodSeconds) * 1_000_000_000)
                }
                isDue = periodSeconds > 0
            }
            usleep(20_000)
        }
    }

    /// The pace at which a look at `byteCount` bytes takes the period, or less for a small store.
    static func rate(of byteCount: UInt64, periodSeconds: Int) -> UInt64 {
        max(EngineLimits.scrubBytesPerSecondMin, byteCount / UInt64(max(1, periodSeconds)))
    }

    /// Looks at everything once; false if that did not come to its end.
    @discardableResult
    private func look(_ engine: Engine, bytesPerSecond: UInt64, isAskedFor: Bool) -> Bool {
        for _ in 0..<EngineLimits.scrubAttemptsMax where !isStopped {
            begin(engine, bytesPerSecond: bytesPerSecond, isAskedFor: isAskedFor)
            let published = engine.published
            var check = EntryCheck(reload: { published.current.features })
            var counted: UInt64 = 0
            var pace = VerificationPace()
            pace.bytesPerSecond = bytesPerSecond == 0 ? nil : bytesPerSecond
            if !isAskedFor { pace.sliceEntriesMax = EngineLimits.scrubSliceEntriesMax }
            // A look that was asked for takes the place of the slow one.
            pace.isStopped = { [self] in
                isStopped || !isAskedFor && state.withLock { $0.request != nil }
            }
            do throws(StoreError) {
                let found = try engine.environment.verify(pace: pace) { table, key, value in
                    let isSound = check.accepts(table, key, value)
                    entries.wrappingAdd(1, ordering: .relaxed)
                    rowsSeen.wrappingAdd(check.rowCount - counted, ordering: .relaxed)
                    counted = check.rowCount
                    if !isSound {
                        damaged.wrappingAdd(1, ordering: .relaxed)
                        entriesDamaged.wrappingAdd(1, ordering: .relaxed)
                    }
                    return isSound
                }
                guard !found.isStopped else { break }
                // Those of the configuration in force: a model may have been deleted since.
                let models = published.current.models.values.joined().map(\.info)
                let problems = engine.artefacts.problems(of: models) { isStopped }
                end(isAskedFor) {
                    $0.finish(found, artefacts: problems, at: Timestamp.now().microseconds)
                }
                return true
            } catch {
                // The store was closed to be opened again: begin anew when it is.
                guard error == .panicked else {
                    fail(isAskedFor, error.message)
                    return true
                }
                usleep(200_000)
            }
        }
        fail(isAskedFor, "it was not finished: the store was closed, or the server is ending")
        return false
    }

    private func begin(_ engine: Engine, bytesPerSecond: UInt64, isAskedFor: Bool) {
        entries.store(0, ordering: .relaxed)
        damaged.store(0, ordering: .relaxed)
        let expected = (try? engine.environment.statistics())?.tables.reduce(0) { $0 + $1.entries }
        state.withLock { state in
            var report = KassaV1.ScanReport()
            if isAskedFor, let running = state.running, running.wasAskedFor {
                report = running
            } else if state.request == nil {
                state.number += 1
                report.number = state.number
                report.startedAtUs = Timestamp.now().microseconds
                report.bytesPerSecond = bytesPerSecond
            } else {
                return
            }
            report.entriesExpected = expected ?? 0
            state.running = report
        }
    }

    private func fail(_ isAskedFor: Bool, _ reason: String) {
        end(isAskedFor) { report in
            report.finishedAtUs = Timestamp.now().microseconds
            report.entries = entries.load(ordering: .relaxed)
            report.damaged = damaged.load(ordering: .relaxed)
            report.problems = [reason]
        }
    }

    private func end(_ isAskedFor: Bool, _ edit: (inout KassaV1.ScanReport) -> Void) {
        state.withLock { state in
            guard var report = state.running, report.wasAskedFor == isAskedFor else { return }
            edit(&report)
            state.running = nil
            if isAskedFor { state.lastVerify = report } else { state.lastScrub = report }
        }
    }
}
