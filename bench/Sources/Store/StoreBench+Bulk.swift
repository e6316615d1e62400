// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Files

extension StoreBench {
    /// `kassa load` with a CSV file, into live rows and into generations: rows per second from the start
    /// of the command to its end, parsing included, and what of the CPU time is the store's.
    ///
    /// The command counts what it sent against what was applied, and fails if they differ.
    mutating func measureBulkLoad(
        _ kassa: KassaServer, _ control: ControlClient, _ raw: RawLMDB
    ) throws {
        let path = "\(kassa.folder.path)/rows.csv"
        try Files.write(bulkRows().span, to: path)
        for round in 0..<options.rounds {
            for isGeneration in order(round) {
                let set = isGeneration ? "bulkgeneration\(round)" : "bulk\(round)"
                try apply(set, control)
                try measure(set, path, isGeneration: isGeneration, kassa, raw)
            }
        }
    }

    private mutating func measure(
        _ set: String, _ path: String, isGeneration: Bool, _ kassa: KassaServer, _ raw: RawLMDB
    ) throws {
        let name = isGeneration ? "kassa load --generation, CSV" : "kassa load, CSV"
        let rows = Double(options.bulkRows)
        let serverStart = processSeconds(kassa.process.id) ?? 0
        let writerStart = threadSeconds(kassa.process.id, "kassa-writer")
        let start = MonotonicTime.now()
        let child = try load(set, path, isGeneration ? ["--generation"] : [], kassa)
        let seconds = Double(MonotonicTime.now().nanoseconds(since: start)) / 1e9
        let writer = threadSeconds(kassa.process.id, "kassa-writer") - writerStart
        let server = (processSeconds(kassa.process.id) ?? 0) - serverStart
        let floor = try quietly(kassa) {
            try raw.fill("\(set)-\(report.rows.count)", rows: options.bulkRows)
        }
        add(name, "throughput", "rows/s", .higher, ours: rows / seconds, peer: floor.rate)
        add(
            name, "writer's CPU", "us/row", .lower, ours: writer * 1e6 / rows, peer: floor.cpu)
        add(name, "server CPU", "us/row", .lower, ours: server * 1e6 / rows, peer: nil)
        add(name, "client CPU", "us/row", .lower, ours: child.cpuSeconds * 1e6 / rows, peer: nil)
        if isGeneration {
            try addPages(of: set, kassa, rawBytes: floor.bytes)
        }
    }

    /// Adds what a row of a loaded generation takes.
    private mutating func addPages(
        of set: String, _ kassa: KassaServer, rawBytes: Double
    ) throws {
        let metrics = try ServerMetrics(adminPort: kassa.adminPort)
        // Generations take the spare tables in turn.
        let table = "generation-\(generationsLoaded)"
        generationsLoaded += 1
        let rows = try metrics["kassa_store_entries{table=\"\(table)\"}"]
        guard Int(rows) == options.bulkRows else {
            throw BenchError("\(set): \(table) has \(rows) rows")
        }
        let bytes = try metrics["kassa_store_pages{table=\"\(table)\"}"] * 4_096
        let idBytes = (0..<options.bulkRows).reduce(0) { $0 + data.id(of: $1).utf8.count }
        let packed = Self.packedBytes(idBytes: idBytes / options.bulkRows)
        let name = "bytes of a row of a generation"
        add(name, "size", "B", .lower, ours: bytes / rows, peer: packed, "packed")
        add(name, "size", "B", .lower, ours: bytes / rows, peer: rawBytes / rows)
    }

    /// Runs `kassa load` to its end.
    func load(
        _ set: String, _ path: String, _ flags: [String], _ kassa: KassaServer
    ) throws -> ChildProcess {
        let log = "\(kassa.folder.path)/load.log"
        let child = try ChildProcess(
            [kassa.program, "load", set, path, "--server", "127.0.0.1:\(kassa.port)"] + flags,
            core: Machine.clientCore, log: log)
        guard child.waitForSuccess(seconds: 600) else {
            throw BenchError("kassa load \(set): \(readFile(log) ?? "")")
        }
        return child
    }

    private func apply(_ name: String, _ control: ControlClient) throws {
        var set = KassaV1.FeatureSetSpec(name: name, version: 1, entity: ["session"])
        set.features = (0..<SyntheticData.featureCount).map {
            KassaV1.FeatureSpec(name: data.name(ofFeature: $0), type: .float32)
        }
        let request = KassaV1.ApplyRequest(
            documents: [KassaV1.Document(resource: .featureSet(set))], actor: "bench",
            reason: "bench")
        _ = try control.call(
            "/kassa.v1.Config/Apply", [request], reply: KassaV1.ApplyResponse.self)
    }

    /// A CSV file.
    private func bulkRows() -> [UInt8] {
        let names = (0..<SyntheticData.featureCount).map(data.name(ofFeature:))
        var bytes = Array(("session," + names.joined(separator: ",") + "\n").utf8)
        bytes.reserveCapacity(options.bulkRows * 240)
        for entity in 0..<options.bulkRows {
            bytes += data.id(of: entity).utf8
            for feature in 0..<SyntheticData.featureCount {
                bytes += ",0.\((entity &* 31 &+ feature &* 1_009) % 9_000 + 1_000)".utf8
            }
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }
}
