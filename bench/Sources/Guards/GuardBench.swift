// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc

/// Measures what an open rollout costs: the same load on one server, with and without, in turn.
struct GuardBench {
    static let help = """
        usage: Bench guards [options]

          Scores with no rollout, a shadow, a canary of 50 % and one of 5 % in turn, while models are
          swapped, and while bad ones are rolled back: what guards cost of throughput, latency and
          processor time, and how long a bad model answers.
          Takes the options of `Bench score` but --demo; the JSON goes to bench/results/guards.json.
        """
    /// Busy connections, many busy ones, and more traffic than a shop has.
    static let loads = [
        LoadCase(name: "c4 m10", connections: 4, streams: 10),
        LoadCase(name: "c16 m100", connections: 16, streams: 100),
        LoadCase(
            name: "open loop 10k/s", connections: 4, arrival: .openLoop(perSecond: 10_000),
            spins: true, isLatency: true),
    ]

    let options: ScoreOptions
    let data: SyntheticData
    var report: Report
    private let noise: NoiseLog

    init(_ words: [String]) throws(BenchError) {
        options = try ScoreOptions(words)
        guard options.demo == nil else { throw BenchError(Self.help) }
        noise = NoiseLog(repeatsMax: options.repeats)
        data = SyntheticData(
            trees: options.trees, depth: options.depth, entityCount: options.entities)
        report = Report(
            target: "guards", commit: options.commit)
    }

    mutating func run() throws {
        let kassa = try KassaServer(program: options.server)
        defer { kassa.process.stop() }
        print(
            "guards: \(options.entities) entities,",
            "\(options.rounds) rounds of \(options.seconds) s, \(report.machine)")
        let control = try ControlClient(port: kassa.port)
        try data.configure(kassa.access(control))
        try data.uploadCandidate(control)
        try data.load(control)
        try data.verify(control)
        let requests = data.requests()
        try Machine.pinSelf()
        for load in Self.loads {
            for round in 0..<options.rounds { try measure(load, round, kassa, control, requests) }
        }
        try measureSwaps(kassa, control, requests)
        let lastBad = try measureRollbacks(kassa, control, requests)
        report.print()
        noise.print()
        let most = Self.lastBadAnswerMicrosecondsMax
        print(
            "\nthe last bad answer comes \(format(lastBad)) us after the event that decides (median);",
            "at most \(format(most)) are wanted: \(lastBad <= most ? "met" : "MISSED")")
        let output = options.output ?? "bench/results/guards.json"
        try report.write(to: output)
        print("\nwritten: \(output)")
    }

    /// One round of a load under every mode; which comes first differs from round to round.
    private mutating func measure(
        _ load: LoadCase, _ round: Int, _ kassa: KassaServer, _ control: ControlClient,
        _ requests: borrowing RequestTable
    ) throws {
        let modes = RolloutMode.allCases
        var found: [RolloutMode: (result: LoadResult, costs: GuardCosts)] = [:]
        for turn in modes.indices {
            let mode = modes[(turn + round) % modes.count]
            var plan = plan(kassa, round)
            (plan.connections, plan.streams) = (load.connections, load.streams)
            (plan.arrival, plan.spins) = (load.arrival, load.spins)
            try mode.begin(data, control)
            let before = try GuardCosts(kassa)
            var calls = 0
            let result = try noise.quietly([kassa.process.id, getpid()]) {
                let result = try run(plan, requests, name: "\(mode.name), \(load.name)")
                calls += result.statuses[0]
                return result
            }
            found[mode] = (result, try GuardCosts(kassa).perCall(since: before, calls: calls))
            try mode.end(data, control)
        }
        guard let without = found[.none]?.result else { return }
        for mode in modes where mode != .none {
            guard let (with, costs) = found[mode] else { continue }
            report(load, mode, with, without, costs)
        }
    }

    private mutating func report(
        _ load: LoadCase, _ mode: RolloutMode, _ with: LoadResult, _ without: LoadResult,
        _ costs: GuardCosts
    ) {
        let name = "\(mode.name), \(load.name)"
        let peer = RolloutMode.none.name
        if !load.isLatency {
            add(
                name, "throughput", "req/s", .higher, ours: with.perSecond,
                peer: without.perSecond, peer)
        }
        for (metric, quantile) in [("p50", 0.5), ("p99", 0.99)] {
            add(
                name, metric, "us", .lower, ours: with.microseconds(quantile),
                peer: without.microseconds(quantile), peer)
        }
        if let ours = with.serverMicroseconds, let theirs = without.serverMicroseconds {
            add(name, "server CPU", "us/req", .lower, ours: ours, peer: theirs, peer)
            // A loop that waits polls, so an open loop's processor time says nothing of a request.
            if !load.isLatency {
                add(name, "CPU more", "us/req", .lower, ours: ours - theirs, peer: nil, peer)
            }
        }
        guard mode != .again else { return }
        add(name, "guard CPU", "us/req", .lower, ours: costs.guardMicroseconds, peer: nil, peer)
        add(name, "weighed", "% of req", .higher, ours: costs.weighed * 100, peer: nil, peer)
        add(name, "dropped", "% of req", .lower, ours: costs.dropped * 100, peer: nil, peer)
        add(name, "pairs", "% of req", .higher, ours: costs.pairs * 100, peer: nil, peer)
    }

    mutating func add(
        _ name: String, _ metric: String, _ unit: String, _ better: Row.Better, ours: Double,
        peer: Double?, _ peerName: String
    ) {
        report.add(
            Row(
                name: name, metric: metric, unit: unit, better: better, ours: [ours],
                peer: peer.map { [$0] } ?? [], peerName: peerName))
    }

    func plan(_ kassa: KassaServer, _ round: Int) -> LoadPlan {
        var plan = LoadPlan(port: kassa.port, call: .unary(path: scorePath))
        plan.warmUpSeconds = options.warmUpSeconds
        plan.seconds = options.seconds
        plan.serverProcess = kassa.process.id
        plan.seed = UInt64(round + 1)
        return plan
    }

    /// Runs `plan`, again if the host or other processes than ours and `also` took time meanwhile.
    func load(
        _ plan: LoadPlan, _ kassa: KassaServer, _ requests: borrowing RequestTable, name: String,
        also others: [Int32] = []
    ) throws -> LoadResult {
        try noise.quietly([kassa.process.id, getpid()] + others) {
            try run(plan, requests, name: name)
        }
    }

    private func run(
        _ plan: LoadPlan, _ requests: borrowing RequestTable, name: String
    ) throws -> LoadResult {
        var generator = try LoadGenerator(plan)
        let result = try generator.run(requests)
        if let failure = result.failure { throw BenchError("\(name): \(failure)") }
        return result
    }
}
