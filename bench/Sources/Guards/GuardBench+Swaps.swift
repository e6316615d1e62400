// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc

extension GuardBench {
    static let swapsPerSecond = 20
    /// Windows of each kind in a round, in alternation: what a neighbour does then falls on both.
    static let swapWindows = 8

    /// Scores due at a constant rate, with and without models that take each other's place meanwhile.
    ///
    /// Who swaps shares the core of the client that measures, but only gets what that leaves
    /// (SCHED_IDLE).
    mutating func measureSwaps(
        _ kassa: KassaServer, _ control: ControlClient, _ requests: borrowing RequestTable
    ) throws {
        let name = "Score 5k/s, \(Self.swapsPerSecond) swaps/s"
        let peer = "no swaps"
        for round in 0..<options.rounds * Self.swapWindows {
            var plan = plan(kassa, round)
            plan.seconds = options.seconds / 2
            plan.connections = 4
            plan.arrival = .openLoop(perSecond: 5_000)
            var swapped: LoadResult?
            var calm: LoadResult?
            var swapsPerSecond = 0.0
            for isSwapped in round % 2 == 0 ? [true, false] : [false, true] {
                guard isSwapped else {
                    calm = try load(plan, kassa, requests, name: peer)
                    continue
                }
                let swapper = try Swapper(kassa)
                swapped = try load(plan, kassa, requests, name: name, also: [swapper.process.id])
                swapsPerSecond = try swapper.end()
                // It may have been ended between a canary and its promotion.
                _ = try? data.endCanary(control)
            }
            guard let swapped, let calm else { continue }
            for (metric, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
                add(
                    name, metric, "us", .lower, ours: swapped.microseconds(quantile),
                    peer: calm.microseconds(quantile), peer)
            }
            add(name, "swaps", "1/s", .higher, ours: swapsPerSecond, peer: nil, peer)
        }
    }

    /// A process that swaps models for as long as it is held.
    private struct Swapper {
        let process: ChildProcess
        private let kassa: KassaServer
        private let log: String
        private let epoch: Double
        private let start: MonotonicTime

        init(_ kassa: KassaServer) throws {
            self.kassa = kassa
            log = "\(kassa.folder.path)/swapper.log"
            let before = try Self.epoch(kassa)
            process = try ChildProcess(
                [
                    "chrt", "-i", "0", try programBeside("Bench"), "guards-swapper",
                    "\(kassa.port)", "\(GuardBench.swapsPerSecond)",
                ], core: Machine.clientCore, log: log)
            for _ in 0..<500 where process.isRunning {
                if try Self.epoch(kassa) > before { break }
                usleep(10_000)
            }
            epoch = try Self.epoch(kassa)
            start = .now()
        }

        /// Ends the swapper and says how fast it was; an error if it had ended before.
        consuming func end() throws -> Double {
            // Every swap is two changes: a canary, and its promotion.
            let swaps = (try Self.epoch(kassa) - epoch) / 2
            let seconds = Double(MonotonicTime.now().nanoseconds(since: start)) / 1e9
            guard process.isRunning, swaps > 0 else {
                throw BenchError("the swapper failed: \(readFile(log) ?? "")")
            }
            process.stop()
            return swaps / seconds
        }

        private static func epoch(_ kassa: KassaServer) throws -> Double {
            try ServerMetrics(adminPort: kassa.adminPort)["kassa_config_epoch"]
        }
    }
}
