// SPDX-License-Identifier: Apache-2.0

extension StoreBench {
    /// Published medians for 1,000 keys of ten float32 from other machines, in microseconds.
    static let recorded = [("murr, recorded", 268.0), ("Redis HSET, recorded", 3_250.0)]

    /// Many rows and many feature sets in one Read.
    mutating func measureGrid(
        _ kassa: KassaServer, _ control: ControlClient, _ raw: RawLMDB
    ) throws {
        try grid.configure(control)
        try grid.load(control)
        try grid.verify(control)
        let rows = options.entities * options.gridSets
        _ = try raw.fill("grid", rows: rows, valueBytes: GridData.rowBytes)

        for batch in [1, 100] {
            for sets in [5, 25] {
                let name = "Read of \(sets * GridData.featureCount) features, batch \(batch)"
                try measure(name, sets: sets, batch: batch, kassa, raw)
            }
        }
        let name = "Read of \(options.keys) keys x 10 float32"
        try measure(name, sets: 1, batch: options.keys, kassa, raw)
        for row in report.rows where row.name == name && row.metric == "p50" {
            for (peer, microseconds) in Self.recorded {
                report.rows.append(
                    Row(
                        name: name, metric: "p50", unit: "us", better: .lower, ours: row.ours,
                        peer: [microseconds], peerName: peer))
            }
        }
    }

    private mutating func measure(
        _ name: String, sets: Int, batch: Int, _ kassa: KassaServer, _ raw: RawLMDB
    ) throws {
        let requests = grid.requests(sets: sets, batch: batch)
        for round in 0..<options.rounds {
            var plan = LoadPlan(port: kassa.port, call: .unary(path: readPath))
            plan.spins = true
            plan.seed = UInt64(round + 1)
            let result = try load(plan, kassa, requests, name: name)
            let peer = try quietly(kassa) {
                try raw.get(
                    "grid", rows: options.entities * sets, count: sets * batch,
                    seconds: options.seconds)
            }
            add(name, "p50", "us", .lower, ours: result.microseconds(0.5), peer: peer.p50)
            add(name, "p99", "us", .lower, ours: result.microseconds(0.99), peer: peer.p99)
            if let cpu = result.serverMicroseconds {
                add(name, "server CPU", "us/req", .lower, ours: cpu, peer: peer.cpu)
            }
        }
    }
}
