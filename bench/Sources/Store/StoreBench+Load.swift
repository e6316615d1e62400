// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Files
import Glibc

extension StoreBench {
    /// Bytes of a row with nothing around them: the id, one event time and the values.
    static func packedBytes(idBytes: Int) -> Double {
        Double(idBytes + 8 + 4 * SyntheticData.featureCount)
    }

    /// Fills the empty store, which is measured once: how fast, and how many bytes a row then takes.
    mutating func load(
        _ kassa: KassaServer, _ control: ControlClient, _ raw: RawLMDB
    ) throws {
        let before = try ServerMetrics(adminPort: kassa.adminPort)["kassa_store_used_bytes"]
        let start = MonotonicTime.now()
        try data.load(control)
        let seconds = Double(MonotonicTime.now().nanoseconds(since: start)) / 1e9
        let rows = Double(options.entities)
        let used = try ServerMetrics(adminPort: kassa.adminPort)["kassa_store_used_bytes"] - before
        let filled = try raw.fill("rows")

        let idBytes = (0..<options.entities).reduce(0) { $0 + data.id(of: $1).utf8.count }
        let packed = Self.packedBytes(idBytes: idBytes / options.entities)
        add(
            "load an empty store, one client", "throughput", "rows/s", .higher,
            ours: rows / seconds, peer: filled.rate)
        add(
            "bytes of a row, pages in use", "size", "B", .lower, ours: used / rows, peer: packed,
            "packed")
        add(
            "bytes of a row, blocks of the file", "size", "B", .lower,
            ours: Double(try fileBytes("\(kassa.folder.path)/data/data.mdb")) / rows, peer: packed,
            "packed")
        add(
            "bytes of a row, pages in use", "size", "B", .lower, ours: used / rows,
            peer: filled.bytes / rows)
    }

    /// Loads the same rows in bulk and serves those: the peer's table, which was appended, has full pages
    /// too before its rows are overwritten.
    mutating func reloadInBulk(_ kassa: KassaServer, _ control: ControlClient) throws {
        let path = "\(kassa.folder.path)/bench.csv"
        let names = (0..<SyntheticData.featureCount).map(data.name(ofFeature:))
        var bytes = Array(("session," + names.joined(separator: ",") + "\n").utf8)
        for entity in 0..<options.entities {
            bytes += data.id(of: entity).utf8
            for feature in 0..<SyntheticData.featureCount {
                bytes += ",\(data.value(entity, feature))".utf8
            }
            bytes.append(UInt8(ascii: "\n"))
        }
        try Files.write(bytes.span, to: path)
        _ = try load("bench", path, ["--generation"], kassa)
        generationsLoaded += 1
        for (verb, flags) in [
            ("check", []), ("switch", ["--expected-serving", "0"]), ("discard", ["--id", "0"]),
        ] as [(String, [String])] {
            let log = "\(kassa.folder.path)/generation.log"
            let child = try ChildProcess(
                [kassa.program, "generation", verb, "bench", "--server", "127.0.0.1:\(kassa.port)"]
                    + flags, core: Machine.clientCore, log: log)
            guard child.waitForSuccess(seconds: 60) else {
                throw BenchError("kassa generation \(verb): \(readFile(log) ?? "")")
            }
        }
        // What was discarded is deleted in the background, and would be measured.
        for _ in 0..<6_000 {
            let metrics = try ServerMetrics(adminPort: kassa.adminPort)
            if try metrics["kassa_store_entries{table=\"rows\"}"] == 0 { return }
            usleep(10_000)
        }
        throw BenchError("the first rows were not deleted")
    }

    private func fileBytes(_ path: String) throws(BenchError) -> Int {
        var status = stat()
        // Safe: Swift passes a NUL-terminated copy of the path for the call.
        guard unsafe stat(path, &status) == 0 else { throw BenchError("no file \(path)") }
        // The file is sparse: its size says nothing.
        return Int(status.st_blocks) * 512
    }

    /// Throws if the server reads other values than were written.
    func verifyRead(_ control: ControlClient) throws {
        for entity in data.sample(100) {
            let reply: KassaV1.ReadResponse = try control.call(readPath, [data.read(entity)])
            let columns = reply.featureSets.first?.columns ?? []
            let values = columns.map { column -> Float? in
                guard case .floats(let floats)? = column.values else { return nil }
                return floats.values.first
            }
            guard values == (0..<SyntheticData.featureCount).map({ data.value(entity, $0) }) else {
                throw BenchError("entity \(entity) has other values")
            }
        }
    }
}
