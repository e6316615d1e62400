// SPDX-License-Identifier: Apache-2.0

import Base
import Files
import GRPC
import Transport

/// Counts what the server allocates for Scores, or for Reads, on one warm connection.
struct AllocationBench {
    static let help = """
        usage: Bench allocations INTERPOSER [--reads N] [--warm-up N] [--calls N] [--trace N]
                                 [--canary PERCENT] [--aftercare PERCENT] [--record 1]
                                 [--drift MILLISECONDS] [--stable-lacks 1] [--server FILE]

          Starts the server with INTERPOSER (a shared library made of Tests/allocations/count.c),
          warms one connection up (20000) and counts the allocations of further Scores (100000).
          With --canary a rollout is open, whose candidate answers that share of entities.
          With --aftercare it was promoted, and that share of entities is watched.
          With --record the scores are kept for their outcomes. With --drift models bring histograms,
          and features are watched in windows of that length. With --stable-lacks the canary's
          STABLE falls back for every feature, which the guard is told.
          --reads has it make Reads of N rows instead.
          The result is one line of JSON. --trace has the server report the stacks of the first N.
        """
    /// Calls in flight.
    static let streams = 10

    private var interposer = ""
    private var warmUpCount = 20_000
    private var callCount = 100_000
    /// Rows of each Read; 0 is a Score instead.
    private var rowCount = 0
    private var traceCount: UInt64 = 0
    private var canaryPercent = 0
    private var aftercarePercent = 0
    private var isRecorded = false
    private var driftWindowMilliseconds: UInt64?
    private var stableLacksFeatures = false
    private var server: String?

    init(_ words: [String]) throws(BenchError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("--") else {
                interposer = word
                continue
            }
            guard let value = rest.popFirst() else { throw BenchError(Self.help) }
            switch (word, Int(value)) {
            case ("--server", _): server = value
            case ("--warm-up", let number?) where number > 0: warmUpCount = number
            case ("--calls", let number?) where number > 0: callCount = number
            case ("--reads", let number?) where (1...1_000).contains(number): rowCount = number
            case ("--trace", let number?) where number >= 0: traceCount = UInt64(number)
            case ("--canary", let number?) where number > 0: canaryPercent = number
            case ("--aftercare", let number?) where number > 0: aftercarePercent = number
            case ("--record", 1): isRecorded = true
            case ("--stable-lacks", 1): stableLacksFeatures = true
            case ("--drift", let number?) where number > 0:
                driftWindowMilliseconds = UInt64(number)
            default: throw BenchError(Self.help)
            }
        }
        guard !interposer.isEmpty else { throw BenchError(Self.help) }
    }

    func run() throws {
        let counts = try TemporaryFolder()
        let path = "\(counts.path)/counts"
        let kassa = try KassaServer(
            program: server,
            environment: [
                "LD_PRELOAD=\(interposer)", "KASSA_ALLOCATION_COUNTS=\(path)",
                // The path of a request; what other threads do meanwhile is their own.
                "KASSA_ALLOCATION_THREADS=loop-",
            ])
        defer { kassa.process.stop() }
        var fixture = SyntheticData(trees: 100, depth: 6, entityCount: 10_000)
        fixture.driftWindowMilliseconds = driftWindowMilliseconds
        fixture.stableLacksFeatures = stableLacksFeatures
        let control = try ControlClient(port: kassa.port)
        try fixture.configure(kassa.access(control))
        try fixture.load(control)
        if canaryPercent > 0 {
            try fixture.beginCanary(percent: Double(canaryPercent), control)
        }
        if aftercarePercent > 0 {
            try fixture.beginAftercare(percent: Double(aftercarePercent), control)
        }
        if !stableLacksFeatures { try fixture.verify(control) }

        let requests =
            rowCount == 0
            ? fixture.requests(isRecorded: isRecorded) : fixture.reads(batch: rowCount)
        let connection = try LoadConnection(
            LoadPlan(
                port: kassa.port, call: .unary(path: rowCount == 0 ? scorePath : readPath)),
            memory: SessionMemory())
        try call(warmUpCount, connection, requests)
        if traceCount > 0 { AllocationCounts.trace(traceCount, path: path) }
        let before = try AllocationCounts(path: path)
        try call(callCount, connection, requests)
        let after = try AllocationCounts(path: path)
        let windows = try driftWindowMilliseconds.map { _ in try fixture.driftWindows(control) }
        let causes = stableLacksFeatures ? try fixture.causes(control) : nil
        AllocationCounts.trace(0, path: path)
        let earlier = before.calls.reduce(0, +)
        print(
            "{\"calls\": \(callCount), \"allocations_before\": \(earlier),",
            causes.map { "\"causes\": \($0)," } ?? "",
            windows.map { "\"drift_windows\": \($0)," } ?? "",
            "\"allocations\": \(before.json(until: after))}")
        if traceCount > 0 { print(readFile("\(kassa.folder.path)/kassa.log") ?? "") }
    }

    /// Makes `count` calls and waits for their answers.
    private func call(
        _ count: Int, _ connection: LoadConnection, _ requests: borrowing RequestTable
    ) throws {
        var buffer = ByteBuffer(capacity: LoadConnection.receivedBytesMax)
        let deadline = MonotonicTime.now().advanced(byNanoseconds: 120_000_000_000)
        var started = 0
        var finished = 0
        while finished < count {
            while started < count, started - finished < Self.streams {
                guard connection.submit(requests[started % requests.count], start: .now()) else {
                    throw BenchError("the connection takes no more calls")
                }
                started += 1
            }
            try connection.flush(by: &buffer)
            _ = try connection.receive(by: &buffer)
            while let event = connection.session.nextEvent() {
                guard case .finished(let call) = event else { continue }
                guard call.status == .ok else { throw BenchError("a call is \(call.status)") }
                finished += 1
            }
            guard MonotonicTime.now() < deadline else { throw BenchError("too slow") }
        }
    }
}
