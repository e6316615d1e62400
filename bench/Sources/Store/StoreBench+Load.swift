// SPDX-License-Identifier: Apache-2.0

import API
import Base
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
