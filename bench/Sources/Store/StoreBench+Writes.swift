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
                try measureStream(requests, isDurable: isDurable, kassa, raw)
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
            let group = try before.group(until: ServerMetrics(adminPort: kassa.adminPort))
            let size = max(1, Int(group.rounded()))
            let peer = try quietly(kassa) {
                try raw.put("rows", group: size, isDurable: isDurable, seconds: options.seconds)
            }
            add(name, "throughput", "rows/s", .higher, ours: result.rowsPerSecond, peer: peer.rate)
            add(name, "group", "rows", .higher, ours: group, peer: Double(size))
            add(name, "p50", "us", .lower, ours: result.microseconds(0.5), peer: nil)
            add(name, "p99", "us", .lower, ours: result.microseconds(0.99), peer: nil)
            if let seconds = result.serverSeconds {
                add(
                    name, "server CPU", "us/row", .lower,
                    ours: seconds * 1e6 / Double(max(1, result.rows)), peer: peer.cpu)
            }
        }
    }

    /// The same through `WriteStream`, whose clients need not wait for an answer before they go on.
    private mutating func measureStream(
        _ requests: WriteRequests, isDurable: Bool, _ kassa: KassaServer, _ raw: RawLMDB
    ) throws {
        let name = "WriteStream \(isDurable ? "DURABLE" : "FAST"), batch \(requests.batch)"
        let table = requests.table()
        for _ in 0..<options.rounds {
            let load = StreamLoad(
                port: kassa.port, connections: 4, window: requests.window,
                warmUpSeconds: options.warmUpSeconds, seconds: options.seconds,
                server: kassa.process.id)
            let before = try ServerMetrics(adminPort: kassa.adminPort)
            let result = try quietly(kassa) { try load.run(table) }
            let group = try before.group(until: ServerMetrics(adminPort: kassa.adminPort))
            let size = max(1, Int(group.rounded()))
            let peer = try quietly(kassa) {
                try raw.put("rows", group: size, isDurable: isDurable, seconds: options.seconds)
            }
            add(name, "throughput", "rows/s", .higher, ours: result.rowsPerSecond, peer: peer.rate)
            add(name, "group", "rows", .higher, ours: group, peer: Double(size))
            add(
                name, "server CPU", "us/row", .lower, ours: result.serverMicrosecondsPerRow,
                peer: peer.cpu)
        }
    }
}
