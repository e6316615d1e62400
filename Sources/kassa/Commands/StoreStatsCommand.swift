// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents

let storeStatsCommand = Command(
    name: "store stats",
    summary: "Show how full the store is, how it writes, and whether it is sound.",
    discussion: """
        From 70 % of the map on, raise --map-gib or delete; puts are refused from 90 % on, and when
        less than 5 % of the disk is free. A reader's age above a second holds back pages.

        example:
          kassa store stats
        """,
    flags: serverFlags,
    run: { arguments throws(CommandError) in
        let client = try arguments.connect()
        let stats: KassaV1.StoreStatsResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.StorageService.stats, KassaV1.StoreStatsRequest())
        }
        if arguments.has(jsonFlag.name) {
            print(stats.tree.json())
        } else {
            stats.print()
        }
    })

extension KassaV1.StoreStatsResponse {
    fileprivate func print() {
        var table = Table()
        table.add(["folder", ValueText.printable(folder)])
        table.add(["writes", writeRefusal.isEmpty ? "taken" : "REFUSED: \(writeRefusal)"])
        if hasSizes {
            let free = min(freePages, usedPages)
            let map = "\(StoreText.bytes((usedPages - free) * pageBytes)) in use"
            table.add([
                "map",
                "\(map) (\(mapPercent) % of \(StoreText.bytes(mapBytes))), "
                    + "\(StoreText.bytes(free * pageBytes)) free for reuse",
            ])
            let refusal = diskNearlyFull ? "; puts are REFUSED until some is freed" : ""
            table.add([
                "disk",
                "\(StoreText.bytes(diskFreeBytes)) of \(StoreText.bytes(diskTotalBytes)) free"
                    + refusal,
            ])
            table.add([
                "readers",
                "\(readers) of \(readersMax), the oldest \(readerLag) commits and"
                    + " \(ValueText.age(milliseconds: Int64(clamping: readerAgeMs))) behind",
            ])
        } else {
            table.add(["sizes", "unknown: the store is being opened again"])
        }
        table.add([
            "writer",
            "\(records) records in \(groupCommits) groups, \(failedGroupCommits) failed;"
                + " \(queuedCommands) commands wait; last write \(lastSequence)",
        ])
        if reopens > 0 {
            table.add([
                "reopened",
                "\(counted(Int(clamping: reopens), "time")), closed for"
                    + " \(StoreText.duration(microseconds: outageUs)) altogether",
            ])
        }
        table.add(["last verify", Self.line(lastVerify)])
        table.add(["last scrub", Self.line(lastScrub)])
        if let running {
            table.add([
                running.wasAskedFor ? "verifying" : "scrubbing",
                "\(running.entries) of \(running.entriesExpected) entries"
                    + (running.damaged > 0 ? ", \(running.damaged) DAMAGED" : ""),
            ])
        }
        if let last = lastSnapshot {
            table.add([
                "last snapshot",
                "\(StoreText.time(last.atUs)): "
                    + (last.failure.isEmpty
                        ? "\(ValueText.printable(last.folder)), \(StoreText.bytes(last.byteCount))"
                        : "FAILED: \(last.failure)"),
            ])
        } else {
            table.add(["last snapshot", "none since the server started"])
        }
        if snapshotRunning { table.add(["snapshot", "one is being made"]) }
        table.print()
        guard hasSizes else { return }
        Swift.print("")
        var sizes = Table(["TABLE", "ENTRIES", "SIZE"], rightAligned: [1, 2])
        for size in tables {
            sizes.add([size.name, "\(size.entries)", StoreText.bytes(size.pages * pageBytes)])
        }
        sizes.print()
    }

    private static func line(_ report: KassaV1.ScanReport?) -> String {
        guard let report else { return "none since the server started" }
        let result = report.sound ? "" : "NOT SOUND: "
        return "\(StoreText.time(report.finishedAtUs)): \(result)\(StoreText.summary(report))"
    }

    fileprivate var tree: Tree {
        .map([
            .init("folder", .text(folder)), .init("write_refusal", .text(writeRefusal)),
            .init("has_sizes", .flag(hasSizes)), .init("map_bytes", .unsigned(mapBytes)),
            .init("map_percent", .unsigned(mapPercent)), .init("page_bytes", .unsigned(pageBytes)),
            .init("used_pages", .unsigned(usedPages)), .init("free_pages", .unsigned(freePages)),
            .init(
                "tables",
                .list(
                    tables.map { table in
                        .map([
                            .init("name", .text(table.name)),
                            .init("entries", .unsigned(table.entries)),
                            .init("pages", .unsigned(table.pages)),
                        ])
                    })), .init("reader_lag", .unsigned(readerLag)),
            .init("reader_age_ms", .unsigned(readerAgeMs)),
            .init("readers", .unsigned(readers)), .init("readers_max", .unsigned(readersMax)),
            .init("disk_free_bytes", .unsigned(diskFreeBytes)),
            .init("disk_total_bytes", .unsigned(diskTotalBytes)),
            .init("disk_nearly_full", .flag(diskNearlyFull)),
            .init("last_sequence", .unsigned(lastSequence)),
            .init("queued_commands", .unsigned(queuedCommands)),
            .init("queued_bytes", .unsigned(queuedBytes)),
            .init("group_commits", .unsigned(groupCommits)),
            .init("failed_group_commits", .unsigned(failedGroupCommits)),
            .init("records", .unsigned(records)), .init("reopens", .unsigned(reopens)),
            .init("outage_us", .unsigned(outageUs)), .init("epoch", .unsigned(epoch)),
            .init("last_verify", lastVerify?.tree ?? .null),
            .init("last_scrub", lastScrub?.tree ?? .null),
            .init("running", running?.tree ?? .null),
            .init("last_snapshot", lastSnapshot?.tree ?? .null),
            .init("snapshot_running", .flag(snapshotRunning)),
        ])
    }
}

extension KassaV1.SnapshotReport {
    fileprivate var tree: Tree {
        .map([
            .init("folder", .text(folder)), .init("at_us", .integer(atUs)),
            .init("duration_us", .unsigned(durationUs)), .init("byte_count", .unsigned(byteCount)),
            .init("sequence", .unsigned(sequence)), .init("failure", .text(failure)),
        ])
    }
}
