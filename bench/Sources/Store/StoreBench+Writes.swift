// SPDX-License-Identifier: Apache-2.0

import API

extension StoreBench {
    /// Rows per second by batch and durability, beside LMDB with as many rows in each commit as the
    /// server had, whose clients cannot choose that.
    mutating func measureWrites(_ kassa: KassaServer, _ raw: RawLMDB) throws {
        for isDurable in [true, false] {
            for batch in options.batches {
                let requests = WriteRequests(
                    data: data, batch: batch, durability: isDurable ? .durable : .fast)
                try measure(requests, isDurable: isDurable, kassa, raw)
            }
        }
    }

    private mutating func measure(
        _ requests: WriteRequests, isDurable: Bool, _ kassa: KassaServer, _ raw: RawLMDB
    ) throws {
        let name = "Write \(isDurable ? "DURABLE" : "FAST"), batch \(requests.batch)"
        let table = requests.table()
        for round in 0..<options.rounds {
            var plan = LoadPlan(port: kassa.port, call: .unary(path: writePath))
            (plan.connections, plan.streams) = requests.shape
            plan.seed = UInt64(round + 1)
            plan.countsRows = true
            let before = try ServerMetrics(adminPort: kassa.adminPort)
            let result = try load(plan, kassa, table, name: name)
            let after = try ServerMetrics(adminPort: kassa.adminPort)
            let records = "kassa_store_records_total"
            let groups = "kassa_store_group_commits_total"
            let group =
                try (after[records] - before[records])
                / max(1, after[groups] - before[groups])
            let size = max(1, Int(group.rounded()))
            let peer = try quietly(kassa) {
                try raw.put("rows", group: size, isDurable: isDurable, seconds: options.seconds)
            }
            add(name, "throughput", "rows/s", .higher, ours: result.rowsPerSecond, peer: peer)
            add(name, "group", "rows", .higher, ours: group, peer: Double(size))
            add(name, "p50", "us", .lower, ours: result.microseconds(0.5), peer: nil)
            add(name, "p99", "us", .lower, ours: result.microseconds(0.99), peer: nil)
            if let seconds = result.serverSeconds {
                add(
                    name, "server CPU", "us/row", .lower,
                    ours: seconds * 1e6 / Double(max(1, result.rows)), peer: nil)
            }
        }
    }
}
