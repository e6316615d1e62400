// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Files
import Glibc

let readPath = "/kassa.v1.Features/Read"
let writePath = "/kassa.v1.Features/Write"

/// Measures the feature store through gRPC beside LMDB in C, round after round.
struct StoreBench {
    let options: StoreOptions
    /// A model of one split: a Score of it costs what finding a row and answering cost.
    let data: SyntheticData
    let grid: GridData
    var report: Report
    /// Generations that were loaded so far, each into the next spare table.
    var generationsLoaded = 0
    let noise: NoiseLog

    init(_ options: StoreOptions) {
        self.options = options
        data = SyntheticData(trees: 1, depth: 1, entityCount: options.entities)
        grid = GridData(setCount: options.gridSets, entityCount: options.entities)
        report = Report(
            target: "store", commit: options.commit)
        noise = NoiseLog(repeatsMax: options.repeats)
    }

    mutating func run() throws {
        let kassa = try KassaServer(program: options.server)
        defer { kassa.process.stop() }
        let raw = try RawLMDB(program: options.peer, rows: options.entities)
        print(
            "store: \(options.entities) entities,",
            "\(options.rounds) rounds of \(options.seconds) s, \(report.machine)")
        try Machine.pinSelf()
        let control = try ControlClient(port: kassa.port)
        try data.configure(kassa.access(control))
        try load(kassa, control, raw)
        try reloadInBulk(kassa, control)
        try data.verify(control)
        try verifyRead(control)

        try measureReads(kassa, raw)
        try measureWrites(kassa, raw)
        try measureInterference(kassa)
        try measureGrid(kassa, control, raw)
        // Last, for it leaves many rows behind.
        try measureBulkLoad(kassa, control, raw)

        report.print()
        noise.print()
        try report.write(to: options.output)
        print("\nwritten: \(options.output)")
    }

    /// Runs `plan`, again if the moment was noisy; an error if any call failed.
    func load(
        _ plan: LoadPlan, _ kassa: KassaServer, _ requests: borrowing RequestTable, name: String,
        also others: [Int32] = []
    ) throws -> LoadResult {
        var plan = plan
        plan.warmUpSeconds = options.warmUpSeconds
        plan.seconds = options.seconds
        plan.serverProcess = kassa.process.id
        let result = try noise.quietly([kassa.process.id, getpid()] + others) {
            var generator = try LoadGenerator(plan)
            return try generator.run(requests)
        }
        if let failure = result.failure { throw BenchError("\(name): \(failure)") }
        return result
    }

    /// Runs the peer, again if the moment was noisy.
    func quietly<Result>(
        _ kassa: KassaServer, _ measure: () throws -> Result
    ) throws -> Result {
        try noise.quietly([kassa.process.id, getpid()], measure)
    }

    /// Adds one round of a figure.
    mutating func add(
        _ name: String, _ metric: String, _ unit: String, _ better: Row.Better, ours: Double,
        peer: Double?, _ peerName: String = RawLMDB.name
    ) {
        report.add(
            Row(
                name: name, metric: metric, unit: unit, better: better, ours: [ours],
                peer: peer.map { [$0] } ?? [], peerName: peerName))
    }

    /// The order of the sides in a round: who goes first alternates.
    func order(_ round: Int) -> [Bool] { round % 2 == 0 ? [true, false] : [false, true] }
}
