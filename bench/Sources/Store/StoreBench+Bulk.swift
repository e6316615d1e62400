// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Files

extension StoreBench {
    /// Rows per second of `kassa load` with a CSV file, into live rows and into a generation.
    ///
    /// The command counts what it sent against what was applied, and fails if they differ.
    mutating func measureBulkLoad(
        _ kassa: KassaServer, _ control: ControlClient, _ raw: RawLMDB
    ) throws {
        let path = "\(kassa.folder.path)/rows.csv"
        try Files.write(bulkRows().span, to: path)
        for (name, set, flags) in [
            ("kassa load, CSV", "bulk", []),
            ("kassa load --generation, CSV", "bulkgeneration", ["--generation"]),
        ] {
            try apply(set, control)
            let log = "\(kassa.folder.path)/load.log"
            let start = MonotonicTime.now()
            let child = try ChildProcess(
                [kassa.program, "load", set, path, "--server", "127.0.0.1:\(kassa.port)"] + flags,
                core: Machine.clientCore, log: log)
            guard child.waitForSuccess(seconds: 600) else {
                throw BenchError("\(name): \(readFile(log) ?? "")")
            }
            let seconds = Double(MonotonicTime.now().nanoseconds(since: start)) / 1e9
            let floor = try raw.fill(set)
            add(
                name, "throughput", "rows/s", .higher,
                ours: Double(options.entities) / seconds, peer: floor.rate)
        }
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

    /// A CSV file with a row for each entity.
    private func bulkRows() -> [UInt8] {
        let names = (0..<SyntheticData.featureCount).map(data.name(ofFeature:))
        var bytes = Array(("session," + names.joined(separator: ",") + "\n").utf8)
        bytes.reserveCapacity(options.entities * 200)
        for entity in 0..<options.entities {
            bytes += data.id(of: entity).utf8
            for feature in 0..<SyntheticData.featureCount {
                bytes += ",0.\((entity &* 31 &+ feature &* 1_009) % 9_000 + 1_000)".utf8
            }
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }
}
