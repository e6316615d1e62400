// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import Glibc
import Wire

/// What watching features costs of a Score: processor time of one thread, without network.
struct DriftBench {
    static let help = """
        usage: Bench drift [--rounds N] [--scores N] [--shadow 1]

          Scores the same requests by two engines in this process, one whose model brought histograms of
          its 32 inputs and its score and one whose model brought none, in turns of ten requests, by
          rounds in alternation (21 of 20000). With --shadow a second model scores every request after
          its reply, and is watched too in the engine that watches. Prints one line of JSON with nanoseconds of processor time
          for each Score: median, least and most of the rounds.
        """
    static let turn = 10
    static let entityCount = 10_000

    private var roundCount = 21
    private var scoreCount = 20_000
    private var hasShadow = false

    init(_ words: [String]) throws(BenchError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            switch (word, rest.popFirst().flatMap(Int.init)) {
            case ("--rounds", let number?) where number > 0: roundCount = number
            case ("--scores", let number?) where number > 0: scoreCount = number
            case ("--shadow", 1): hasShadow = true
            default: throw BenchError(Self.help)
            }
        }
    }

    func run() throws {
        let plainFolder = try TemporaryFolder()
        let watchedFolder = try TemporaryFolder()
        var plain = SyntheticData(trees: 100, depth: 6, entityCount: Self.entityCount)
        let requests = (0..<Self.entityCount).map { plain.request($0).encodedBytes() }
        let engine = try Engine(folder: plainFolder.path, loopCount: 1, mapBytes: 1 << 30)
        defer { engine.stop() }
        var worker = try Worker(engine: engine, loop: 0)
        try fill(engine, &worker, plain)
        plain.driftWindowMilliseconds = 300_000
        let watchedEngine = try Engine(
            folder: watchedFolder.path, loopCount: 1, mapBytes: 1 << 30)
        defer { watchedEngine.stop() }
        var watchedWorker = try Worker(engine: watchedEngine, loop: 0)
        try fill(watchedEngine, &watchedWorker, plain)

        _ = try nanoseconds(&worker, requests)
        _ = try nanoseconds(&watchedWorker, requests)
        var without: [Double] = []
        var with: [Double] = []
        for _ in 0..<roundCount {
            without.append(try nanoseconds(&worker, requests))
            with.append(try nanoseconds(&watchedWorker, requests))
        }
        let cost = zip(with, without).map { $0 - $1 }
        print(
            "{\"rounds\": \(roundCount), \"scores\": \(scoreCount), \"shadow\": \(hasShadow),",
            "\"unwatched_ns\": \(Self.json(without)), \"watched_ns\": \(Self.json(with)),",
            "\"cost_ns\": \(Self.json(cost))}")
    }

    private func fill(
        _ engine: Engine, _ worker: inout Worker, _ data: SyntheticData
    ) throws {
        try data.fill(engine, &worker)
        guard hasShadow else { return }
        let (spec, artefact) = data.bundle(
            version: 2, goldenRowCount: SyntheticData.goldenRowCount - 1)
        _ = try engine.upload(spec, artefact: artefact, at: .now())
        _ = try engine.shadow(
            KassaV1.ShadowRequest(scorer: "bench", model: "bench@2"), at: .now())
    }

    /// Processor time of one Score, in turns as a loop takes them.
    private func nanoseconds(_ worker: inout Worker, _ requests: [[UInt8]]) throws -> Double {
        var writer = WireWriter()
        let start = threadNanoseconds()
        var next = 0
        while next < scoreCount {
            worker.begin()
            for _ in 0..<Self.turn {
                writer.buffer.removeAll()
                let request = requests[next % requests.count]
                try worker.score(request.span, at: .now(), into: &writer)
                next += 1
            }
            worker.end()
            worker.settle()
            // Slowly enough for the budget of guards to let the shadow score all of them.
            if hasShadow { usleep(500) }
        }
        return Double(threadNanoseconds() - start) / Double(next)
    }

    private static func json(_ values: [Double]) -> String {
        let sorted = values.sorted()
        let numbers = [sorted[sorted.count / 2], sorted[0], sorted[sorted.count - 1]]
        return "[\(numbers.map { "\($0.rounded())" }.joined(separator: ", "))]"
    }
}
