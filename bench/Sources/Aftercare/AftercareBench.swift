// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import Wire

/// What a Score costs after a promotion: processor time of one thread, without network.
struct AftercareBench {
    static let help = """
        usage: Bench aftercare [--rounds N] [--scores N]

          Scores the same requests by engines in this process, by rounds in alternation (21 of 10000): one
          without a promotion, and ones with PREVIOUS filled that watch no entity, one in a million (so
          that every request is one of those outside the share), the default of 5 %, and all. Prints one
          line of JSON with nanoseconds of processor time for each Score: median, least and most of the
          rounds; `cost_ns` is beside PREVIOUS filled and nothing watched, within each round.
        """

    private var roundCount = 21
    private var scoreCount = 10_000

    init(_ words: [String]) throws(BenchError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            switch (word, rest.popFirst().flatMap(Int.init)) {
            case ("--rounds", let number?) where number > 0: roundCount = number
            case ("--scores", let number?) where number > 0: scoreCount = number
            default: throw BenchError(Self.help)
            }
        }
    }

    func run() throws {
        let data = SyntheticData(trees: 100, depth: 6, entityCount: DriftBench.entityCount)
        let requests = (0..<DriftBench.entityCount).map { data.request($0).encodedBytes() }
        let shares: [Double?] = [nil, 0, 0.0001, 5, 100]
        let cases = try shares.map { try AftercareCase(data, watching: $0) }
        for one in cases { _ = try one.nanoseconds(requests, scoreCount) }
        var rounds = [[Double]](repeating: [], count: cases.count)
        for _ in 0..<roundCount {
            for (index, one) in cases.enumerated() {
                rounds[index].append(try one.nanoseconds(requests, scoreCount))
            }
        }
        let names = ["no_promotion", "share_0", "outside", "share_5", "inside"]
        let times = zip(names, rounds).map { "\"\($0)\": \(DriftBench.json($1))" }
        let costs = zip(names, rounds).dropFirst(2).map { name, values in
            "\"\(name)\": \(DriftBench.json(zip(values, rounds[1]).map { $0 - $1 }))"
        }
        print(
            "{\"rounds\": \(roundCount), \"scores\": \(scoreCount),",
            "\"ns\": {\(times.joined(separator: ", "))},",
            "\"cost_ns\": {\(costs.joined(separator: ", "))}}")
    }
}

/// An engine of its own, with or without a promotion.
private final class AftercareCase {
    private let folder: TemporaryFolder
    private let engine: Engine
    private var worker: Worker

    init(_ data: SyntheticData, watching share: Double?) throws {
        folder = try TemporaryFolder()
        engine = try Engine(folder: folder.path, loopCount: 1, mapBytes: 1 << 30)
        worker = try Worker(engine: engine, loop: 0)
        try DriftBench.fill(engine, &worker, data)
        guard let share else { return }
        // The same trees in another bundle.
        let (spec, artefact) = data.bundle(
            version: 2, goldenRowCount: SyntheticData.goldenRowCount - 1)
        _ = try engine.upload(spec, artefact: artefact, at: .now())
        let policy = KassaV1.GuardPolicy(watchSharePercent: share)
        _ = try engine.canary(
            KassaV1.CanaryRequest(
                scorer: "bench", model: "bench@2", weightPercent: 1, guard: policy), at: .now())
        _ = try engine.promote(KassaV1.PromoteRequest(scorer: "bench", full: true), at: .now())
    }

    deinit { engine.stop() }

    /// Of each Score; what the loop has told the guard is taken from it afterwards.
    func nanoseconds(_ requests: [[UInt8]], _ scoreCount: Int) throws -> Double {
        let time = try DriftBench.nanoseconds(&worker, requests, scoreCount: scoreCount)
        engine.guardTurn(at: .now())
        return time
    }
}
