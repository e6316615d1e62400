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
    static let pauseMicroseconds: UInt32 = 400
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
        try Self.fill(engine, &worker, plain, hasShadow: hasShadow)
        plain.driftWindowMilliseconds = 300_000
        let watchedEngine = try Engine(
            folder: watchedFolder.path, loopCount: 1, mapBytes: 1 << 30)
        defer { watchedEngine.stop() }
        var watchedWorker = try Worker(engine: watchedEngine, loop: 0)
        try Self.fill(
            watchedEngine, &watchedWorker, plain, hasShadow: hasShadow)

        _ = try Self.nanoseconds(&worker, requests, scoreCount: scoreCount)
        _ = try Self.nanoseconds(&watchedWorker, requests, scoreCount: scoreCount)
        var without: [Double] = []
        var with: [Double] = []
        for _ in 0..<roundCount {
            without.append(try Self.nanoseconds(&worker, requests, scoreCount: scoreCount))
            with.append(try Self.nanoseconds(&watchedWorker, requests, scoreCount: scoreCount))
        }
        let cost = zip(with, without).map { $0 - $1 }
        print(
            "{\"rounds\": \(roundCount), \"scores\": \(scoreCount), \"shadow\": \(hasShadow),",
            "\"unwatched_ns\": \(Self.json(without)), \"watched_ns\": \(Self.json(with)),",
            "\"cost_ns\": \(Self.json(cost))}")
    }

    static func fill(
        _ engine: Engine, _ worker: inout Worker, _ data: SyntheticData, hasShadow: Bool = false
    ) throws {
        func apply(_ resource: KassaV1.Document.Resource) throws {
            _ = try engine.apply(
                KassaV1.ApplyRequest(documents: [KassaV1.Document(resource: resource)]),
                at: .now())
        }
        try apply(.featureSet(data.featureSet))
        let (spec, artefact) = data.bundle()
        _ = try engine.upload(spec, artefact: artefact, at: .now())
        try apply(.scorer(data.scorer))
        if hasShadow {
            let (spec, artefact) = data.bundle(
                version: 2, goldenRowCount: SyntheticData.goldenRowCount - 1)
            _ = try engine.upload(spec, artefact: artefact, at: .now())
            _ = try engine.shadow(
                KassaV1.ShadowRequest(scorer: "bench", model: "bench@2"), at: .now())
        }
        let written = Acknowledgement()
        for first in stride(from: 0, to: entityCount, by: 1_000) {
            let entities = first..<first + 1_000
            let request = KassaV1.WriteRequest(
                featureSet: "bench@1",
                keys: [KassaV1.KeyColumn(kind: "session", ids: entities.map(data.id))],
                columns: (0..<SyntheticData.featureCount).map { feature in
                    let values = entities.map { data.value($0, feature) }
                    return KassaV1.Column(
                        name: data.name(ofFeature: feature),
                        values: .floats(KassaV1.FloatValues(values: values)))
                })
            let bytes = request.encodedBytes()
            worker.begin()
            try worker.write(bytes.span, at: .now()) { _ in written.signal() }
            written.wait()
        }
    }

    /// Processor time of one Score, in turns as a loop takes them.
    static func nanoseconds(
        _ worker: inout Worker, _ requests: [[UInt8]], scoreCount: Int
    ) throws -> Double {
        var writer = WireWriter()
        var used: UInt64 = 0
        var next = 0
        while next < scoreCount {
            let start = threadNanoseconds()
            worker.begin()
            for _ in 0..<turn {
                writer.buffer.removeAll()
                let request = requests[next % requests.count]
                try worker.score(request.span, at: .now(), into: &writer)
                next += 1
            }
            worker.end()
            worker.settle()
            used += threadNanoseconds() - start
            // Slowly enough for the budget of guards, so that all is watched that is to be.
            usleep(pauseMicroseconds)
        }
        return Double(used) / Double(next)
    }

    static func json(_ values: [Double]) -> String {
        let sorted = values.sorted()
        let numbers = [sorted[sorted.count / 2], sorted[0], sorted[sorted.count - 1]]
        return "[\(numbers.map { "\($0.rounded())" }.joined(separator: ", "))]"
    }
}

/// Somebody waits for a write.
private final class Acknowledgement: Sendable {
    private let semaphore = Semaphore()

    func signal() { semaphore.signal() }
    func wait() { semaphore.wait() }
}
