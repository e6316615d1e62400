// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc

extension StoreBench {
    /// Scores due at a constant rate, with and without a client that writes all it can.
    ///
    /// The writer's client shares the core of the one that measures, but only gets what that leaves
    /// (SCHED_IDLE).
    mutating func measureInterference(_ kassa: KassaServer) throws {
        let name = "Score 5k/s, a client writes"
        let peer = "Score alone"
        let scores = data.requests()
        let batch = min(1_000, options.entities)
        for round in 0..<options.rounds {
            var plan = LoadPlan(port: kassa.port, call: .unary(path: scorePath))
            plan.connections = 4
            plan.arrival = .openLoop(perSecond: 5_000)
            plan.seed = UInt64(round + 1)
            var disturbed: LoadResult?
            var alone: LoadResult?
            var rowsPerSecond = 0.0
            for isDisturbed in order(round) {
                guard isDisturbed else {
                    alone = try load(plan, kassa, scores, name: peer)
                    continue
                }
                let writer = try Writer(kassa, entities: options.entities, batch: batch)
                disturbed = try load(
                    plan, kassa, scores, name: name, also: [writer.process.id])
                rowsPerSecond = try writer.rowsPerSecond()
            }
            guard let disturbed, let alone else { continue }
            for (metric, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
                add(
                    name, metric, "us", .lower, ours: disturbed.microseconds(quantile),
                    peer: alone.microseconds(quantile), peer)
            }
            add(name, "rows written", "rows/s", .higher, ours: rowsPerSecond, peer: nil, peer)
        }
    }

    /// A process that writes at full speed for as long as it is held.
    private struct Writer {
        let process: ChildProcess
        private let kassa: KassaServer
        private let log: String
        private let rows: Double
        private let start: MonotonicTime

        init(_ kassa: KassaServer, entities: Int, batch: Int) throws {
            self.kassa = kassa
            log = "\(kassa.folder.path)/writer.log"
            process = try ChildProcess(
                [
                    "chrt", "-i", "0", try programBeside("Bench"), "store-writer",
                    "\(kassa.port)", "\(entities)", "\(batch)", "durable", "3600",
                ], core: Machine.clientCore, log: log)
            // It first makes its requests; the load may begin once rows arrive.
            let before = try Self.written(kassa)
            for _ in 0..<3_000 where process.isRunning {
                if try Self.written(kassa) > before { break }
                usleep(10_000)
            }
            rows = try Self.written(kassa)
            start = .now()
        }

        /// Ends the writer and says how fast it was; an error if it had ended before.
        consuming func rowsPerSecond() throws -> Double {
            let written = try Self.written(kassa) - rows
            let seconds = Double(MonotonicTime.now().nanoseconds(since: start)) / 1e9
            guard process.isRunning, written > 0 else {
                throw BenchError("the writer failed: \(readFile(log) ?? "")")
            }
            process.stop()
            return written / seconds
        }

        private static func written(_ kassa: KassaServer) throws -> Double {
            try ServerMetrics(adminPort: kassa.adminPort)["kassa_store_records_total"]
        }
    }
}
