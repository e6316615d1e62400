// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc

extension GuardBench {
    /// The goal for the middle one of the rollbacks.
    static let lastBadAnswerMicrosecondsMax = 1_000.0

    /// Bad canaries one after the other under a load: how long each goes on answering after the event that
    /// decides about it, by the server's own clock.
    ///
    /// Returns the median in microseconds.
    mutating func measureRollbacks(
        _ kassa: KassaServer, _ control: ControlClient, _ requests: borrowing RequestTable
    ) throws -> Double {
        try data.uploadBadCandidate(control)
        let name = "rollbacks, Score 5k/s"
        let log = "\(kassa.folder.path)/breaker.log"
        var plan = plan(kassa, 0)
        plan.connections = 4
        plan.arrival = .openLoop(perSecond: 5_000)
        plan.seconds = options.isSmall ? 1 : 2 * Double(options.rounds)
        let breaker = try ChildProcess(
            ["chrt", "-i", "0", try programBeside("Bench"), "guards-breaker", "\(kassa.port)"],
            core: Machine.clientCore, log: log)
        let result = try load(plan, kassa, requests, name: name, also: [breaker.id])
        let isRunning = breaker.isRunning
        breaker.stop()
        let text = readFile(log) ?? ""
        let found = text.split(separator: "\n").compactMap { Double($0) }
        guard isRunning, !found.isEmpty else { throw BenchError("the breaker failed: \(text)") }
        report.add(
            Row(
                name: name, metric: "last bad", unit: "us after deciding", better: .lower,
                ours: found, peer: [], peerName: RolloutMode.none.name))
        let slowest = found.sorted()[min(found.count - 1, found.count * 99 / 100)]
        for (metric, unit, value) in [
            ("last bad p99", "us after deciding", slowest),
            ("rollbacks", "in all", Double(found.count)), ("p99", "us", result.microseconds(0.99)),
        ] {
            add(name, metric, unit, .lower, ours: value, peer: nil, RolloutMode.none.name)
        }
        return median(found)
    }
}
