// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents
internal import Engine

private let longTimeoutFlag = Flag(
    name: "--timeout", value: "DURATION",
    help: "How long to wait for the answer; 24h by default.")
private let dataFlag = Flag(name: "--data", value: "FOLDER", help: "The data folder.")
private let targetFlag = Flag(
    name: "--to", value: "NEWFOLDER", help: "The new folder; there must be nothing yet.")

let storeSnapshotCommand = Command(
    name: "store snapshot",
    operands: "FOLDER",
    operandCount: 1...1,
    summary: "Copy everything, as of one moment, while the server runs.",
    discussion: """
        FOLDER is an absolute path on the server's machine, and there must be nothing yet. It gets a
        compact copy of the store, the artefact of each model, and MANIFEST with the SHA-256 of each
        file; it appears whole and synced, or not at all. Writes go on meanwhile. Keep it on another
        disk, and try a restore now and then.

        example:
          kassa store snapshot /backup/kassa-2026-11-20
        """,
    flags: [
        actorFlag, reasonFlag,
        Flag(
            name: "--mib-per-second", value: "N",
            help: "How fast it is written; as fast as it goes by default."),
        Flag(
            name: "--seconds-max", value: "N",
            help: "How long the data may be held as of one moment (3600): it grows meanwhile."),
        serverFlag, longTimeoutFlag, jsonFlag,
    ],
    run: { arguments throws(CommandError) in
        let folder = arguments.operands[0]
        guard folder.hasPrefix("/") else {
            throw .usage(
                "FOLDER must be an absolute path on the server's machine, not \"\(folder)\"")
        }
        let request = KassaV1.SnapshotStoreRequest(
            folder: folder,
            actor: arguments.actor,
            reason: arguments.reason,
            bytesPerSecond: UInt64(
                try arguments.integer("--mib-per-second", in: 1...1_000_000, default: 0)) << 20,
            secondsMax: UInt64(
                try arguments.integer(
                    "--seconds-max", in: 1...EngineLimits.snapshotSecondsMax, default: 0)))
        let client = try arguments.connect(timeoutMilliseconds: 86_400_000)
        let made: KassaV1.SnapshotStoreResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.StorageService.snapshot, request)
        }
        if arguments.has(jsonFlag.name) { return print(made.tree.json()) }
        print("\(folder): \(made.summary), in \(StoreText.duration(microseconds: made.durationUs))")
        if made.damaged > 0 {
            print("\(made.damaged) of them were DAMAGED before: keep older snapshots")
        }
        if !made.auditRefusal.isEmpty {
            print("the audit log has no record of it: \(made.auditRefusal)")
        }
    })

let storeRestoreCommand = Command(
    name: "store restore",
    operands: "SNAPSHOT",
    operandCount: 1...1,
    summary: "Make a data folder out of a snapshot.",
    discussion: """
        Checks the manifest first, then each file's size and SHA-256 on the way, then every entry of
        the data; the new folder appears whole or not at all, and nothing is ever overwritten.

        What was erased before the snapshot stays erased, because its tombstones are in it. What came
        after the snapshot is not in it: writes, configuration, models, and erasures too. Erase those
        entities again before you serve.

        example:
          kassa store restore /backup/kassa-2026-11-20 --data /var/lib/kassa-new
          kassa serve --data /var/lib/kassa-new
        """,
    flags: [
        Flag(
            name: "--data", value: "NEWFOLDER",
            help: "The folder to make; nothing may be there yet."
        ), jsonFlag,
    ],
    run: { arguments throws(CommandError) in
        guard let target = arguments.value(dataFlag.name) else {
            throw .usage("name the folder to make: --data NEWFOLDER")
        }
        let made = try working { () throws(EngineError) in
            try ClosedStore.restore(arguments.operands[0], to: target)
        }
        if arguments.has(jsonFlag.name) { return print(made.tree.json()) }
        print("\(target): \(made.summary)")
        print("as of \(StoreText.time(made.atUs)); all hashes match")
        print("not in it: what was written, applied, uploaded or erased after that time.")
        print("Erase again what was erased since, before you serve it.")
    })

let storeCompactCommand = Command(
    name: "store compact",
    summary: "Copy a closed data folder without its free pages.",
    discussion: """
        The data file never shrinks by itself. Stop the server, compact into a new folder, and serve
        that; the old one stays as it is. The folder must not be open in a server.

        example:
          kassa store compact --data /var/lib/kassa --to /var/lib/kassa-small
        """,
    flags: [dataFlag, targetFlag, jsonFlag],
    run: { arguments throws(CommandError) in
        guard let folder = arguments.value(dataFlag.name) else {
            throw .usage("name the data folder: --data FOLDER")
        }
        guard let target = arguments.value(targetFlag.name) else {
            throw .usage("name the folder to make: --to NEWFOLDER")
        }
        let sizes = try working { () throws(EngineError) in
            try ClosedStore.compact(folder, to: target)
        }
        if arguments.has(jsonFlag.name) {
            let tree = Tree.map([
                .init("folder", .text(target)), .init("bytes_before", .unsigned(sizes.before)),
                .init("bytes_after", .unsigned(sizes.after)),
            ])
            return print(tree.json())
        }
        print(
            "\(target): \(StoreText.bytes(sizes.after)),"
                + " was \(StoreText.bytes(sizes.before)); \(folder) is as it was")
    })

extension KassaV1.SnapshotStoreResponse {
    /// "4711 entries up to write 815, 3 files, 12.0 MiB".
    fileprivate var summary: String {
        "\(entries) entries up to write \(sequence), \(counted(files.count, "file")),"
            + " \(StoreText.bytes(byteCount))"
    }
}
