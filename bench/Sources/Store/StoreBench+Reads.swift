// SPDX-License-Identifier: Apache-2.0

import API

extension StoreBench {
    /// Single rows of random entities: beside LMDB, and beside a Score of the same row.
    mutating func measureReads(_ kassa: KassaServer, _ raw: RawLMDB) throws {
        let reads = data.reads()
        let scores = data.requests()
        for (connections, streams) in [(1, 1), (4, 10)] {
            let name = "Read of one row, c\(connections) m\(streams)"
            for round in 0..<options.rounds {
                var plan = LoadPlan(port: kassa.port, call: .unary(path: readPath))
                plan.connections = connections
                plan.streams = streams
                plan.spins = streams == 1
                plan.seed = UInt64(round + 1)
                var scorePlan = plan
                scorePlan.call = .unary(path: scorePath)
                var read: LoadResult?
                var score: LoadResult?
                for isRead in order(round) {
                    if isRead {
                        read = try load(plan, kassa, reads, name: name)
                    } else {
                        score = try load(scorePlan, kassa, scores, name: "Score")
                    }
                }
                let floor = try quietly(kassa) {
                    try raw.get("rows", count: 1, seconds: options.seconds)
                }
                guard let read, let score else { continue }
                add(
                    name, "throughput", "req/s", .higher, ours: read.perSecond, peer: floor.rate)
                add(name, "p50", "us", .lower, ours: read.microseconds(0.5), peer: floor.p50)
                add(name, "p99", "us", .lower, ours: read.microseconds(0.99), peer: floor.p99)
                if let cpu = read.serverMicroseconds {
                    add(name, "server CPU", "us/req", .lower, ours: cpu, peer: floor.cpu)
                }
                let peer = "Score"
                add(
                    name, "throughput", "req/s", .higher, ours: read.perSecond,
                    peer: score.perSecond, peer)
                for (metric, quantile) in [("p50", 0.5), ("p99", 0.99)] {
                    add(
                        name, metric, "us", .lower, ours: read.microseconds(quantile),
                        peer: score.microseconds(quantile), peer)
                }
                if let ours = read.serverMicroseconds, let theirs = score.serverMicroseconds {
                    add(name, "server CPU", "us/req", .lower, ours: ours, peer: theirs, peer)
                }
            }
        }
    }
}
