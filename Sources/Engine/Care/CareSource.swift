// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Metrics
internal import Store
internal import Synchronization

/// What is known of the store's soundness, and the shares that alarms watch.
struct CareSource: MetricSource {
    let environment: Environment
    let care: Care

    private static let rows = MetricFamily(
        .counter, "kassa_store_scrubbed_rows_total",
        help: "Rows whose bytes were looked at in the background or on request.")
    private static let damaged = MetricFamily(
        .counter, "kassa_store_damaged_rows_total",
        help: "Damaged entries that these looks found; one that stays counts in each.")
    private static let lastScrub = MetricFamily(
        .gauge, "kassa_store_last_scrub_timestamp_seconds",
        help: "When the last look at every entry came to its end, in Unix time; 0 before.")
    private static let isSound = MetricFamily(
        .gauge, "kassa_store_sound",
        help: "1 if the last look at every entry found nothing wrong, 0 if it did.")
    private static let mapUsed = MetricFamily(
        .gauge, "kassa_store_map_used_ratio",
        help: "Share of the map in use; alarm from 0.7 on, puts are refused from 0.9 on.")
    private static let diskFree = MetricFamily(
        .gauge, "kassa_store_disk_free_ratio",
        help: "Share of the store's filesystem that is free; puts are refused below 0.05.")
    private static let readerAge = MetricFamily(
        .gauge, "kassa_store_reader_age_seconds",
        help: "How long the oldest reader has held its snapshot; pages freed since wait for it.")
    private static let reopens = MetricFamily(
        .counter, "kassa_store_reopens_total",
        help: "Times that LMDB gave up on a failed write and was opened again.")

    private static let copiesTooCostly = MetricFamily(
        .counter, "kassa_store_snapshots_too_costly_total",
        help: "Snapshots that were given up because they took too long or the data grew too much.")

    var families: [MetricFamily] {
        [
            Self.rows, Self.damaged, Self.lastScrub, Self.isSound, Self.mapUsed, Self.diskFree,
            Self.readerAge, Self.reopens, Self.copiesTooCostly,
        ]
    }

    func collect(into snapshot: inout MetricSnapshot) {
        let scrubber = care.scrubber
        snapshot.add(Self.rows, count: scrubber.rowsSeen.load(ordering: .relaxed))
        snapshot.add(Self.damaged, count: scrubber.entriesDamaged.load(ordering: .relaxed))
        let scans = scrubber.snapshot
        let last = [scans.lastScrub, scans.lastVerify].compactMap { $0 }
            .max { $0.finishedAtUs < $1.finishedAtUs }
        snapshot.add(Self.lastScrub, number: Double(last?.finishedAtUs ?? 0) / 1e6)
        if let last { snapshot.add(Self.isSound, count: last.sound ? 1 : 0) }
        // A store that cannot be read at the moment has no sizes.
        guard let sizes = try? environment.statistics() else { return }
        let used = sizes.usedPages - min(sizes.freePages, sizes.usedPages)
        snapshot.add(Self.mapUsed, number: Double(used) / Double(max(sizes.mapPages, 1)))
        if sizes.disk.totalBytes > 0 {
            snapshot.add(
                Self.diskFree,
                number: Double(sizes.disk.freeBytes) / Double(sizes.disk.totalBytes))
        }
        snapshot.add(Self.readerAge, number: Double(sizes.oldestReaderMilliseconds) / 1e3)
        snapshot.add(Self.reopens, count: sizes.reopens)
        snapshot.add(Self.copiesTooCostly, count: sizes.copiesTooCostly)
    }
}
