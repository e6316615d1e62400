// SPDX-License-Identifier: Apache-2.0

/// What the store's writer thread counts about its group commits.
package final class StoreMetrics: MetricSource {
    @usableFromInline enum Cell {
        @inlinable static var queueDepth: Int { 0 }
        @inlinable static var failures: Int { 1 }
    }

    @usableFromInline let cells = Cells(count: 2)
    @usableFromInline let records = BucketHistogram(bounds: .groupSize)
    @usableFromInline let durations = BucketHistogram(bounds: .latency)

    package init() {}

    /// Counts a group commit that succeeded.
    @inlinable
    package func committed(records count: Int, nanoseconds: UInt64) {
        records.record(UInt64(clamping: count))
        durations.record(nanoseconds)
    }

    /// Counts a group commit that failed.
    @inlinable package func commitFailed() { cells.add(1, at: Cell.failures) }

    /// Sets the number of commands that wait for the writer.
    @inlinable package func setQueueDepth(_ depth: Int) {
        cells.set(UInt64(clamping: depth), at: Cell.queueDepth)
    }

    private static let commits = MetricFamily(
        .counter, "kassa_store_group_commits_total", help: "Group commits that succeeded.")
    private static let failed = MetricFamily(
        .counter, "kassa_store_commit_failures_total", help: "Group commits that failed.")
    private static let groupRecords = MetricFamily(
        .histogram, "kassa_store_group_records", help: "Records in a group commit.")
    private static let duration = MetricFamily(
        .histogram, "kassa_store_commit_duration_seconds", help: "Duration of a group commit.")
    private static let queueDepth = MetricFamily(
        .gauge, "kassa_store_queue_depth", help: "Commands that wait for the writer.")

    package var families: [MetricFamily] {
        [Self.commits, Self.failed, Self.groupRecords, Self.duration, Self.queueDepth]
    }

    package func collect(into snapshot: inout MetricSnapshot) {
        let commits = durations.snapshot()
        snapshot.add(Self.commits, count: commits.count)
        snapshot.add(Self.duration, histogram: commits)
        snapshot.add(Self.groupRecords, histogram: records.snapshot())
        snapshot.add(Self.failed, count: cells.value(at: Cell.failures))
        snapshot.add(Self.queueDepth, count: cells.value(at: Cell.queueDepth))
    }
}
