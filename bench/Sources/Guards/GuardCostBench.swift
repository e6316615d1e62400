// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import Glibc
import Wire

/// What watching a rollout costs of a Score: processor time of the loop's thread, without network.
struct GuardCostBench {
    static let help = """
        usage: Bench guard-cost [--rounds N] [--scores N] [--turn N] [--per-second N] [--mode NAME]
                                [--beside N]

          Scores the same requests by an engine in this process, without a rollout, with a shadow, with
          a canary of 50 % and with one of 5 %, by rounds in alternation (11 of 10000), in turns of ten
          requests as a loop takes them. Prints one line of JSON for each with nanoseconds of processor
          time for each Score, median, least and most of the rounds, and the part that was weighed.
          --per-second leaves time between turns; without it, the budget of guards is soon used up.
          --mode measures only one of none, shadow, canary50, canary5.
          --beside has that many other loops score all the time: what loops share shows as time of each.
        """
    static let entityCount = DriftBench.entityCount

    private var roundCount = 11
    private var scoreCount = 10_000
    private var turn = 10
    private var perSecond = 0
    private var besideCount = 0
    private var modes = RolloutMode.allCases.filter { $0 != .again }

    init(_ words: [String]) throws(BenchError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            guard let value = rest.popFirst() else { throw BenchError(Self.help) }
            switch (word, Int(value)) {
            case ("--rounds", let number?) where number > 0: roundCount = number
            case ("--scores", let number?) where number > 0: scoreCount = number
            case ("--turn", let number?) where 1...1_000 ~= number: turn = number
            case ("--per-second", let number?) where number > 0: perSecond = number
            case ("--beside", let number?) where 0...7 ~= number: besideCount = number
            case ("--mode", nil):
                modes = modes.filter { "\($0)" == value }
                guard !modes.isEmpty else { throw BenchError(Self.help) }
            default: throw BenchError(Self.help)
            }
        }
    }

    func run() throws {
        let folder = try TemporaryFolder()
        let data = SyntheticData(trees: 100, depth: 6, entityCount: Self.entityCount)
        let requests = (0..<Self.entityCount).map { data.request($0).encodedBytes() }
        let engine = try Engine(
            folder: folder.path, loopCount: 1 + besideCount, mapBytes: 1 << 30)
        defer { engine.stop() }
        var worker = try Worker(engine: engine, loop: 0)
        engine.startGuard()
        try DriftBench.fill(engine, &worker, data)
        let (spec, artefact) = data.bundle(
            version: 2, goldenRowCount: SyntheticData.goldenRowCount - 1)
        _ = try engine.upload(spec, artefact: artefact, at: .now())
        _ = try nanoseconds(&worker, requests)
        let others = BesideLoops(engine, count: besideCount, requests)
        defer { others.stop() }
        var found: [RolloutMode: (nanoseconds: [Double], weighed: [Double])] = [:]
        for _ in 0..<roundCount {
            for mode in modes {
                try begin(mode, engine)
                let before = try weighed(engine)
                found[mode, default: ([], [])].nanoseconds.append(
                    try nanoseconds(&worker, requests))
                usleep(20_000)
                found[mode]?.weighed.append(
                    Double(try weighed(engine) - before) / Double(scoreCount))
                if mode != .none {
                    _ = try engine.abort(KassaV1.AbortRequest(scorer: "bench"), at: .now())
                }
            }
        }
        for mode in modes {
            guard let (nanoseconds, weighed) = found[mode] else { continue }
            print(
                "{\"mode\": \"\(mode.name)\", \"rounds\": \(roundCount), \"scores\": \(scoreCount),",
                "\"ns\": \(Self.json(nanoseconds, digits: 0)),",
                "\"weighed\": \(Self.json(weighed, digits: 3))}")
        }
    }

    private func begin(_ mode: RolloutMode, _ engine: Engine) throws {
        switch mode {
        case .none, .again: break
        case .shadow:
            _ = try engine.shadow(
                KassaV1.ShadowRequest(scorer: "bench", model: "bench@2"), at: .now())
        case .canary50, .canary5:
            _ = try engine.canary(
                KassaV1.CanaryRequest(
                    scorer: "bench", model: "bench@2", weightPercent: mode == .canary5 ? 5 : 50),
                at: .now())
        }
    }

    /// Events that the guard has weighed so far.
    private func weighed(_ engine: Engine) throws -> UInt64 {
        try engine.rolloutStatus(KassaV1.RolloutStatusRequest(scorer: "bench"))
            .guard?.pairs ?? 0
    }

    /// Processor time of one Score, in turns as a loop takes them.
    private func nanoseconds(_ worker: inout Worker, _ requests: [[UInt8]]) throws -> Double {
        var writer = WireWriter()
        let start = MonotonicTime.now()
        var used: UInt64 = 0
        var next = 0
        while next < scoreCount {
            let turnStart = threadNanoseconds()
            worker.begin()
            for _ in 0..<turn {
                writer.buffer.removeAll()
                let request = requests[next % requests.count]
                try worker.score(request.span, at: .now(), into: &writer)
                next += 1
            }
            worker.end()
            worker.settle()
            used += threadNanoseconds() - turnStart
            guard perSecond > 0 else { continue }
            let due = start.advanced(
                byNanoseconds: UInt64(next) * 1_000_000_000 / UInt64(perSecond))
            let wait = due.nanoseconds(since: .now()) / 1_000
            if wait > 0 { usleep(UInt32(truncatingIfNeeded: wait)) }
        }
        return Double(used) / Double(next)
    }

    private static func json(_ values: [Double], digits: Int) -> String {
        let numbers = [median(values), values.min() ?? 0, values.max() ?? 0]
        return "[\(numbers.map { format($0, digits: digits) }.joined(separator: ", "))]"
    }
}

/// Processor time of the calling thread.
func threadNanoseconds() -> UInt64 {
    var time = timespec()
    // Safe: the pointer is to a local and does not outlive the call.
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
