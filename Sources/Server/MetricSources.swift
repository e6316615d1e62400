// SPDX-License-Identifier: Apache-2.0

internal import Engine
internal import Metrics
internal import Transport

/// What one event loop counts.
struct LoopSource: MetricSource {
    private let handle: LoopHandle
    private let label: [String]

    init(_ handle: LoopHandle, index: Int) {
        self.handle = handle
        label = ["\(index)"]
    }

    private static func counter(_ name: String, _ help: String) -> MetricFamily {
        MetricFamily(.counter, name, help: help, labels: ["loop"])
    }

    private static let turns = counter("kassa_loop_turns_total", "Turns of the event loop.")
    private static let received = counter(
        "kassa_loop_bytes_received_total", "Bytes read from connections.")
    private static let sent = counter(
        "kassa_loop_bytes_sent_total", "Bytes written to connections.")
    private static let accepted = counter(
        "kassa_loop_connections_accepted_total", "Connections accepted.")
    private static let refused = counter(
        "kassa_loop_connections_refused_total", "Connections closed at once for want of room.")
    private static let open = MetricFamily(
        .gauge, "kassa_loop_connections", help: "Connections open now.", labels: ["loop"])

    var families: [MetricFamily] {
        [Self.turns, Self.received, Self.sent, Self.accepted, Self.refused, Self.open]
    }

    func collect(into snapshot: inout MetricSnapshot) {
        snapshot.add(Self.turns, label, count: handle.turns)
        snapshot.add(Self.received, label, count: handle.bytesReceived)
        snapshot.add(Self.sent, label, count: handle.bytesSent)
        snapshot.add(Self.accepted, label, count: handle.accepted)
        snapshot.add(Self.refused, label, count: handle.refused)
        snapshot.add(Self.open, label, number: Double(handle.openConnections))
    }
}

/// Always 1: what runs is in the labels.
struct BuildSource: MetricSource {
    let version: String

    private static let family = MetricFamily(
        .gauge, "kassa_build_info", help: "What is running; always 1.", labels: ["version"])

    var families: [MetricFamily] { [Self.family] }

    func collect(into snapshot: inout MetricSnapshot) {
        snapshot.add(Self.family, [version], number: 1)
    }
}

/// The store's size and the writer's work.
struct StoreSource: MetricSource {
    let engine: Engine

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
            Self.mapBytes, Self.usedBytes, Self.entries, Self.pages, Self.readerLag, Self.commits,
            Self.failedCommits, Self.records, Self.syncs, Self.commitSeconds, Self.groupRecords,
            Self.queue, Self.isWritable, Self.epoch,
        ]
    }

    func collect(into snapshot: inout MetricSnapshot) {
        let status = engine.storeStatus()
        snapshot.add(Self.mapBytes, number: Double(status.mapBytes))
        snapshot.add(Self.usedBytes, number: Double(status.usedBytes))
        snapshot.add(Self.readerLag, number: Double(status.readerLag))
        for table in status.tables {
            snapshot.add(Self.entries, [table.name], number: Double(table.entries))
            snapshot.add(Self.pages, [table.name], number: Double(table.pages))
        }
        snapshot.add(Self.commits, count: status.groupCommits)
        snapshot.add(Self.failedCommits, count: status.failedGroupCommits)
        snapshot.add(Self.records, count: status.records)
        snapshot.add(Self.syncs, count: status.syncs)
        snapshot.add(Self.queue, number: Double(status.queuedCommands))
        snapshot.add(Self.isWritable, number: status.isWritable ? 1 : 0)
        snapshot.add(Self.epoch, number: Double(engine.epoch))
        snapshot.add(Self.commitSeconds, histogram: status.commitMicroseconds)
        snapshot.add(Self.groupRecords, histogram: status.groupRecords)
    }
}
