// SPDX-License-Identifier: Apache-2.0

internal import Metrics
internal import Store

/// The store's size and the writer's work.
struct StoreSource: MetricSource {
    let environment: Environment
    let writer: Writer
    let published: Published<Configuration>

    private static func gauge(
        _ name: String, _ help: String, labels: [String] = []
    ) -> MetricFamily {
        MetricFamily(.gauge, name, help: help, labels: labels)
    }

    private static func counter(_ name: String, _ help: String) -> MetricFamily {
        MetricFamily(.counter, name, help: help)
    }

    private static let mapBytes = gauge(
        "kassa_store_map_bytes", "Address space that the store may fill.")
    private static let usedBytes = gauge(
        "kassa_store_used_bytes", "Bytes of the store's pages up to the last used.")
    private static let entries = gauge(
        "kassa_store_entries", "Entries of a table.", labels: ["table"])
    private static let pages = gauge(
        "kassa_store_pages", "Pages of a table.", labels: ["table"])
    private static let freePages = gauge(
        "kassa_store_free_pages", "Pages free for reuse.")
    private static let readerLag = gauge(
        "kassa_store_reader_lag", "Commits between the oldest snapshot held and the newest.")
    private static let commits = counter(
        "kassa_store_group_commits_total", "Groups committed.")
    private static let failedCommits = counter(
        "kassa_store_failed_group_commits_total", "Groups that failed.")
    private static let records = counter(
        "kassa_store_records_total", "Records of committed groups.")
    private static let syncs = counter(
        "kassa_store_syncs_total", "Commits and idle syncs that reached the disk's meta page.")
    private static let commitSeconds = MetricFamily(
        .histogram, "kassa_store_commit_duration_seconds", help: "Time that a group's commit took.")
    private static let groupRecords = MetricFamily(
        .histogram, "kassa_store_group_records", help: "Records in a group.")
    private static let queue = gauge(
        "kassa_store_queue_depth", "Commands that wait for the writer.")
    private static let isWritable = gauge(
        "kassa_store_writable", "1 if the store takes writes, 0 if it latched read-only.")
    private static let epoch = gauge(
        "kassa_config_epoch", "Number of the configuration in force.")

    var families: [MetricFamily] {
        [
            Self.mapBytes, Self.usedBytes, Self.entries, Self.pages, Self.freePages, Self.readerLag,
            Self.commits,
            Self.failedCommits, Self.records, Self.syncs, Self.commitSeconds, Self.groupRecords,
            Self.queue, Self.isWritable, Self.epoch,
        ]
    }

    func collect(into snapshot: inout MetricSnapshot) {
        snapshot.add(Self.mapBytes, count: UInt64(environment.mapBytes))
        snapshot.add(Self.isWritable, count: environment.writeRefusal == nil ? 1 : 0)
        snapshot.add(Self.epoch, count: published.current.epoch)
        // A store that cannot be read at the moment has no sizes; the rest is told all the same.
        if let sizes = try? environment.statistics() {
            snapshot.add(Self.usedBytes, count: sizes.usedPages * sizes.pageBytes)
            snapshot.add(Self.freePages, count: sizes.freePages)
            snapshot.add(Self.readerLag, count: sizes.readerLag)
            for table in sizes.tables {
                snapshot.add(Self.entries, [table.name], count: table.entries)
                snapshot.add(Self.pages, [table.name], count: table.pages)
            }
        }
        let work = writer.statistics
        snapshot.add(Self.commits, count: work.groups)
        snapshot.add(Self.failedCommits, count: work.failedGroups)
        snapshot.add(Self.records, count: work.records)
        snapshot.add(Self.syncs, count: work.syncs)
        snapshot.add(Self.queue, count: UInt64(clamping: work.queuedCommands))
        snapshot.add(
            Self.commitSeconds,
            histogram: Self.histogram(work.commitMicroseconds, Self.microseconds))
        snapshot.add(
            Self.groupRecords, histogram: Self.histogram(work.groupRecords, Self.counts))
    }

    private static let microseconds = powersOfTwo(unitsPerOne: 1e6)
    private static let counts = powersOfTwo(unitsPerOne: 1)

    /// The bounds of the writer's own buckets: 0, 1, 3, 7, ...
    private static func powersOfTwo(unitsPerOne: Double) -> BucketBounds {
        BucketBounds(bounds: (0..<39).map { (1 << $0) - 1 }, unitsPerOne: unitsPerOne)
    }

    private static func histogram(
        _ counted: Log2HistogramSnapshot, _ bounds: BucketBounds
    ) -> HistogramSnapshot {
        HistogramSnapshot(bounds: bounds, buckets: counted.counts, sum: counted.total)
    }
}
