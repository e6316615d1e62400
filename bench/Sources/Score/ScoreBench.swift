// SPDX-License-Identifier: Apache-2.0

import Base
import Files
import Glibc

/// Measures Score beside nghttpd under the same load, round after round.
struct ScoreBench {
    private typealias Servers = (kassa: KassaServer, floor: FloorServer)

    let options: ScoreOptions
    private var data: any ScoreData
    private var report: Report
    private let noise: NoiseLog

    init(_ options: ScoreOptions) {
        self.options = options
        noise = NoiseLog(repeatsMax: options.repeats)
        if let demo = options.demo {
            data = DemoData(folder: demo, entityCount: options.entities)
        } else {
            data = SyntheticData(
                trees: options.trees, depth: options.depth, entityCount: options.entities)
        }
        report = Report(
            target: options.demo == nil ? "score" : "score-demo", commit: options.commit)
    }

    mutating func run() throws {
        let kassa = try KassaServer(program: options.server)
        let servers = (kassa: kassa, floor: try FloorServer(folder: kassa.folder))
        defer {
            servers.kassa.process.stop()
            servers.floor.process.stop()
        }
        print(
            "\(report.target): \(options.entities) entities,",
            "\(options.rounds) rounds of \(options.seconds) s, \(report.machine)")
        let control = try ControlClient(port: servers.kassa.port)
        try data.configure(kassa.access(control))
        let loadStart = MonotonicTime.now()
        try data.load(control)
        let loadSeconds = Double(MonotonicTime.now().nanoseconds(since: loadStart)) / 1e9
        print(
            "loaded in \(format(loadSeconds)) s:",
            "\(format(Double(options.entities) / loadSeconds)) entities/s")
        try data.verify(control)

        let requests = data.requests()
        try Machine.pinSelf()
        for loadCase in LoadCase.all { try measure(loadCase, servers, requests) }
        if let synthetic = data as? SyntheticData {
            try measureCanary(synthetic, servers, requests)
        }
        if H2Load.isPresent { try measureH2Load(servers) }

        report.print()
        noise.print()
        let output = options.output ?? "bench/results/\(report.target).json"
        try report.write(to: output)
        print("\nwritten: \(output)")
    }

    /// One case in all rounds, both servers in turn, the first of a round alternating.
    private mutating func measure(
        _ loadCase: LoadCase, _ servers: Servers, _ requests: borrowing RequestTable
    ) throws {
        var ours = [[Double]](repeating: [], count: 8)
        var peer = ours
        var labels: [(metric: String, unit: String, Row.Better, Double)] = []
        for round in 0..<options.rounds {
            for isOurs in round % 2 == 0 ? [true, false] : [false, true] {
                var plan = LoadPlan(
                    port: isOurs ? servers.kassa.port : servers.floor.port,
                    call: isOurs ? .unary(path: scorePath) : .get(path: FloorServer.path),
                    connections: loadCase.connections, streams: loadCase.streams,
                    arrival: loadCase.arrival, spins: loadCase.spins)
                plan.warmUpSeconds = options.warmUpSeconds
                plan.seconds = options.seconds
                plan.serverProcess = isOurs ? servers.kassa.process.id : servers.floor.process.id
                plan.seed = UInt64(round + 1)
                let result = try quietly(plan, servers, requests)
                if let failure = result.failure {
                    throw BenchError(
                        "\(loadCase.name), \(isOurs ? "kassa" : FloorServer.name): \(failure)")
                }
                labels = loadCase.values(result)
                for (index, value) in labels.enumerated() {
                    if isOurs { ours[index].append(value.3) } else { peer[index].append(value.3) }
                }
            }
        }
        for (index, label) in labels.enumerated() {
            report.rows.append(
                Row(
                    name: loadCase.name, metric: label.metric, unit: label.unit, better: label.2,
                    ours: ours[index], peer: peer[index], peerName: FloorServer.name))
        }
    }

    /// What a rollout costs: the same load with and without a canary of half of the entities, whose
    /// requests are all scored by both models and judged by the guard.
    private mutating func measureCanary(
        _ data: SyntheticData, _ servers: Servers, _ requests: borrowing RequestTable
    ) throws {
        let control = try ControlClient(port: servers.kassa.port)
        try data.uploadCandidate(control)
        for (connections, streams) in [(1, 1), (4, 10), (16, 100)] {
            let name = "canary of 50 %, c\(connections) m\(streams)"
            var with: [LoadResult] = []
            var without: [LoadResult] = []
            for round in 0..<options.rounds {
                for hasCanary in round % 2 == 0 ? [true, false] : [false, true] {
                    if hasCanary { try data.startCanary(percent: 50, control) }
                    var plan = LoadPlan(
                        port: servers.kassa.port, call: .unary(path: scorePath),
                        connections: connections, streams: streams)
                    plan.warmUpSeconds = options.warmUpSeconds
                    plan.seconds = options.seconds
                    plan.serverProcess = servers.kassa.process.id
                    plan.seed = UInt64(round + 1)
                    let result = try quietly(plan, servers, requests)
                    if let failure = result.failure { throw BenchError("\(name): \(failure)") }
                    // Fails if the guard has taken the canary out: then there was nothing to measure.
                    if hasCanary {
                        try data.expectCanary(control)
                        try data.endCanary(control)
                    }
                    if hasCanary { with.append(result) } else { without.append(result) }
                }
            }
            report.rows.append(
                Row(
                    name: name, metric: "throughput", unit: "req/s", better: .higher,
                    ours: with.map(\.perSecond), peer: without.map(\.perSecond),
                    peerName: "no rollout"))
            report.rows.append(
                Row(
                    name: name, metric: "p50", unit: "us", better: .lower,
                    ours: with.map { $0.microseconds(0.5) },
                    peer: without.map { $0.microseconds(0.5) }, peerName: "no rollout"))
            report.rows.append(
                Row(
                    name: name, metric: "server CPU", unit: "us/req", better: .lower,
                    ours: with.compactMap(\.serverMicroseconds),
                    peer: without.compactMap(\.serverMicroseconds), peerName: "no rollout"))
        }
    }

    /// Runs `plan`, again if the host or other processes took time away meanwhile.
    private mutating func quietly(
        _ plan: LoadPlan, _ servers: Servers, _ requests: borrowing RequestTable
    ) throws -> LoadResult {
        let processes = [servers.kassa.process.id, servers.floor.process.id, getpid()]
        return try noise.quietly(processes) {
            var generator = try LoadGenerator(plan)
            return try generator.run(requests)
        }
    }

    private mutating func measureH2Load(_ servers: Servers) throws {
        let body = "\(servers.kassa.folder.path)/request"
        try Files.write(data.framedRequest.span, to: body)
        let h2load = H2Load(log: "\(servers.kassa.folder.path)/h2load.log")
        for shape in H2Load.shapes {
            var ours: [Double] = []
            var peer: [Double] = []
            // About as long as the other measurements, at the prototype's speed.
            let requests = max(2_000, Int(shape.prototype * options.seconds))
            for _ in 0..<options.rounds {
                ours.append(
                    try h2load.run(
                        port: servers.kassa.port, path: scorePath,
                        streams: shape.streams, requests: requests, body: body))
                peer.append(
                    try h2load.run(
                        port: servers.floor.port, path: FloorServer.path, streams: shape.streams,
                        requests: requests, body: nil))
            }
            var row = Row(
                name: "h2load, one entity, c\(H2Load.connections) m\(shape.streams)",
                metric: "throughput", unit: "req/s", better: .higher, ours: ours, peer: peer,
                peerName: FloorServer.name)
            report.rows.append(row)
            row.peer = [shape.prototype]
            row.peerName = "prototype"
            report.rows.append(row)
        }
    }
}
