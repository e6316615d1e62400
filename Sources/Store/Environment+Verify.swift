// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Glibc

/// How fast, and how long, a verification may go.
package struct VerificationPace: Sendable {
    /// Bytes a second, keys and values; nil for as fast as it goes.
    package var bytesPerSecond: UInt64?
    /// Entries of a slice.
    package var sliceEntriesMax = 10_000
    /// Time of a slice, after which the snapshot is let go of whatever it has seen.
    package var sliceMicrosecondsMax: UInt64 = 100_000
    /// Asked before each slice; true ends the work.
    package var isStopped: @Sendable () -> Bool = { false }

    /// As fast as it goes, to the end.
    package init() {}
}

extension Environment {
    /// Lends `check` every entry of every table, in slices that each take a snapshot of their own.
    ///
    /// LMDB has no checksums: whether a value is what was written, only `check` can say. Here it is
    /// seen that every page is reached and the keys are in order; a table that fails is given up and
    /// the others are gone on with. Entries written or deleted meanwhile may or may not be seen. Reads
    /// only, so it is for the background of a running server; it blocks the calling thread.
    ///
    /// - Throws: `panicked`, or what the taking of a snapshot throws.
    package func verify(
        pace: VerificationPace = VerificationPace(),
        check: (_ table: String, _ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) throws(StoreError) -> Verification {
        var result = Verification(
            tables: [], slices: 0, longestSliceMicroseconds: 0, isStopped: false)
        let begun = MonotonicTime.now()
        var transaction = try makeReadTransaction()
        transaction.reset()
        for (name, table) in tables.sorted(by: { $0.key < $1.key }) {
            var found = Verification.TableResult(
                name: name, entries: 0, bytes: 0, refused: 0, refusedKeys: [])
            var order = KeyOrder()
            var isDone = false
            while !isDone && !result.isStopped {
                result.isStopped = pace.isStopped()
                if result.isStopped { break }
                try transaction.renew()
                let started = MonotonicTime.now()
                do throws(StoreError) {
                    isDone = try verifySlice(
                        transaction, table, pace, started, &order, &found, check)
                } catch {
                    found.failure = error
                    isDone = true
                }
                transaction.reset()
                let now = MonotonicTime.now()
                result.slices += 1
                result.longestSliceMicroseconds = max(
                    result.longestSliceMicroseconds, now.nanoseconds(since: started) / 1_000)
                let seen = result.tables.reduce(found.bytes) { $0 + $1.bytes }
                wait(for: seen, since: begun, pace)
            }
            result.tables.append(found)
        }
        return result
    }

    /// Goes through the entries above the last one, for one slice; true at the end of the table.
    private func verifySlice(
        _ transaction: borrowing ReadTransaction, _ table: Table, _ pace: VerificationPace,
        _ started: MonotonicTime, _ order: inout KeyOrder,
        _ found: inout Verification.TableResult,
        _ check: (_ table: String, _ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) throws(StoreError) -> Bool {
        let start = order.last
        var isFirst = order.count > 0
        var count = 0
        var isDone = true
        func visit(_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
            if isFirst {
                isFirst = false
                // The slice before ended with this one, if it was not deleted since.
                if key.isEqual(to: start) { return true }
            }
            if count == pace.sliceEntriesMax
                || count & 63 == 63
                    && MonotonicTime.now().nanoseconds(since: started)
                        >= pace.sliceMicrosecondsMax * 1_000
            {
                isDone = false
                return false
            }
            guard order.accepts(key) else { return false }
            count += 1
            found.note(key, value, isSound: check(found.name, key, value))
            return true
        }
        if order.count == 0 {
            try transaction.scan(table, prefix: Span(), visit)
        } else {
            try transaction.scan(table, prefix: Span(), from: start.span, visit)
        }
        guard order.isKept else { throw .damaged(.corrupted) }
        return isDone
    }

    /// Sleeps until `bytes` are within the pace, up to 100 ms at a time so that a stop is heard.
    private func wait(for bytes: UInt64, since begun: MonotonicTime, _ pace: VerificationPace) {
        guard let rate = pace.bytesPerSecond, rate > 0 else { return }
        let (product, isTooLarge) = bytes.multipliedReportingOverflow(by: 1_000_000)
        guard !isTooLarge else { return }
        let due = product / rate
        while !pace.isStopped() {
            let elapsed = MonotonicTime.now().nanoseconds(since: begun) / 1_000
            guard elapsed < due else { return }
            usleep(UInt32(min(due - elapsed, 100_000)))
        }
    }
}

extension Span<UInt8> {
    fileprivate func isEqual(to other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }
}
