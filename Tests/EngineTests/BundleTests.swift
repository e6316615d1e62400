// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Crypto
import Features
import Glibc
import Models
import Testing
import Wire

@testable import Engine

struct `A bundle` {
    private let folder = TemporaryFolder()

    private func refusal(_ body: () throws -> Void) -> EngineError? {
        do {
            try body()
            Issue.record("nothing was refused")
            return nil
        } catch {
            return error as? EngineError
        }
    }

    /// Replaces what the store holds of `stump@1`.
    private func rewrite(_ engine: Engine, _ change: (inout KassaV1.ModelInfo) -> Void) throws {
        let stored = engine.published.current.model("stump@1")
        var info = try #require(stored).info
        change(&info)
        try engine.commit(
            KassaStorageV1.AuditRecord(), epoch: engine.epoch,
            puts: [
                Put(
                    table: engine.tables.bundles, key: Array("stump@1".utf8),
                    value: KassaStorageV1.StoredModel(info: info).encodedBytes())
            ])
    }

    @Test func `that fails its golden rows at start is not served, and says so`() throws {
        try folder.withEngine { engine, worker in
            try engine.apply([cart])
            try engine.uploadStump()
            try engine.uploadStump(threshold: 5, name: "other")
            try engine.apply([
                scorer("stump@1"), .scorer(KassaV1.ScorerSpec(name: "second", model: "other@1")),
            ])
            #expect(engine.modelDefects.isEmpty)
            try worker.write(items: 1, session: "s")
            #expect(try worker.score("s").margin == 0.25)
            try rewrite(engine) { $0.spec?.golden[1].margin = 0.5 }
        }
        try folder.withEngine { engine, worker in
            #expect(engine.modelDefects.count == 1)
            #expect(engine.modelDefects[0].hasPrefix("stump@1: golden[1].margin: the model gives"))
            let error = refusal { _ = try worker.score("s") }
            #expect(error?.kind == .failedPrecondition)
            #expect(error?.reason.contains("golden[1].margin") == true)
            let answer = try worker.score(
                KassaV1.ScoreRequest(
                    scorer: "second", entities: [KassaV1.EntityKey(kind: "session", id: "s")]))
            #expect(answer.margin == 0.25)
            #expect(engine.listModels().models.map(\.defect.isEmpty) == [true, false])
            // What is unchanged may stay; nothing new may name it.
            try engine.apply([scorer("stump@1")])
            let named = refusal {
                try engine.apply([.scorer(KassaV1.ScorerSpec(name: "third", model: "stump@1"))])
            }
            #expect(named?.reason.contains("not served") == true)
            try engine.promote("other@1")
            #expect(try worker.score("s").model == "other@1")
            try rewrite(engine) { $0.spec?.golden[1].margin = -0.25 }
        }
        try folder.withEngine { engine, _ in #expect(engine.modelDefects.isEmpty) }
    }

    @Test func `of an older release has no golden rows and is served`() throws {
        try folder.withEngine { engine, _ in
            try engine.apply([cart])
            try engine.uploadStump()
            try engine.apply([scorer("stump@1")])
            try rewrite(engine) { info in
                info.spec?.golden = []
                info.rowUs = 0
                info.hasContributions = false
            }
        }
        try folder.withEngine { engine, worker in
            #expect(engine.modelDefects.isEmpty)
            let answer = try worker.score("nobody")
            #expect(answer.margin == 0.25)
        }
    }

    @Test func `of an older release keeps its digest`() throws {
        let spec = KassaV1.ModelSpec(
            name: "m", version: 3, format: .onnx, sha256: [UInt8](repeating: 7, count: 32),
            byteCount: 9, inputs: [KassaV1.ModelInput(featureSet: "cart@1", feature: "items")],
            owner: "somebody")
        var without = spec
        without.name = ""
        without.version = 0
        without.owner = ""
        let bytes = without.encodedBytes()
        let digest = SHA256.digest(of: bytes.span)
        #expect(Model.bundleDigest(of: spec) == digest)
    }

    @Test func `that is of a newer release is not served`() throws {
        try folder.withEngine { engine, _ in
            try engine.apply([cart])
            try engine.uploadStump()
            try rewrite(engine) {
                $0.spec?.output = KassaV1.ModelOutput(kind: KassaV1.OutputKind(rawValue: 77))
            }
        }
        try folder.withEngine { engine, _ in
            #expect(engine.modelDefects.count == 1)
            #expect(engine.modelDefects.first?.contains("spec.output.kind") == true)
        }
    }

    @Test func `has another digest with another output, and shows what it costs`() throws {
        try folder.withEngine { engine, _ in
            try engine.apply([cart])
            let first = try engine.uploadStump()
            let second = try engine.uploadStump { spec in
                spec.output = KassaV1.ModelOutput(kind: .outputMargin)
            }
            #expect(second.model?.spec?.version == 2)
            #expect(first.model?.rowUs ?? 0 > 0)
            #expect(first.model?.hasContributions == true)
            #expect(first.model?.spec?.golden.isEmpty == true)
            let got = try engine.getModel(KassaV1.GetModelRequest(model: "stump@1"))
            #expect(got.model?.spec?.golden == stumpGolden())
        }
    }

    @Test func `gives its histograms by place`() throws {
        try folder.withEngine { engine, _ in
            try engine.apply([cart])
            let histogram = KassaV1.ReferenceHistogram(
                n: 3, edges: [0, 1], counts: [2], missing: 1)
            try engine.uploadStump { $0.histograms = [histogram] }
            let model = try #require(engine.published.current.model("stump"))
            #expect(model.histogram(ofPlace: 0) == histogram)
            #expect(model.histogram(ofPlace: 1) == nil)
            #expect(model.scoreHistogram == nil)
        }
    }
}

struct `A calibration` {
    private func made(_ method: KassaV1.Calibration.Method) throws -> ScoreCalibration {
        try ScoreCalibration(KassaV1.Calibration(method: method), at: "here")
    }

    @Test func `of Platt is a logistic function, and flat where it overflows`() throws {
        let platt = try made(.platt(KassaV1.PlattCalibration(a: -2, b: 0.5)))
        #expect(platt.apply(0.25) == 0.5)
        #expect(platt.apply(1) == 1 / (1 + exp(-1.5)))
        #expect(platt.apply(1e308) == 1)
        #expect(platt.apply(-1e308) == 0)
    }

    @Test func `by points is linear between them and flat outside`() throws {
        let points = try made(
            .isotonic(KassaV1.IsotonicCalibration(x: [-1, 0, 2, 4], y: [0, 0.25, 0.25, 1])))
        for (x, y) in [
            (-5.0, 0.0), (-1, 0), (-0.5, 0.125), (0, 0.25), (1, 0.25), (2, 0.25), (3, 0.625),
            (4, 1), (9, 1), (-.infinity, 0), (.infinity, 1),
        ] {
            #expect(points.apply(x) == y)
        }
    }

    @Test func `by many points finds each, and never descends`() throws {
        var generator = SeededGenerator(seed: 5)
        var x: [Double] = [0]
        var y: [Double] = [0]
        for _ in 1..<BundleLimits.isotonicPointsMax {
            x.append(x[x.count - 1] + .random(in: 1e-6..<1, using: &generator))
            y.append(min(1, y[y.count - 1] + .random(in: 0..<0.002, using: &generator)))
        }
        let points = try made(.isotonic(KassaV1.IsotonicCalibration(x: x, y: y)))
        for index in x.indices { #expect(points.apply(x[index]) == y[index]) }
        var last = 0.0
        for step in 0..<10_000 {
            let value = points.apply(x[x.count - 1] * Double(step) / 10_000)
            #expect(value >= last)
            last = value
        }
    }
}

struct `A batch` {
    private let folder = TemporaryFolder()

    @Test func `of any bytes is answered or refused, and the next is as before`() throws {
        let session = KassaV1.EntityKey(kind: "session", id: "s")
        let items = KassaV1.NamedValue(name: "items", value: KassaV1.Value(kind: .integer(9)))
        let request = KassaV1.ScoreBatchRequest(
            scorer: "abandonment", entities: [session], include: [.contributions, .features],
            rows: [
                KassaV1.ScoreRow(context: [items]), KassaV1.ScoreRow(entities: [session]),
                KassaV1.ScoreRow(),
            ])
        let whole = request.encodedBytes()
        var generator = SeededGenerator(seed: 11)
        try folder.withEngine { engine, worker in
            try engine.apply([cart])
            try engine.uploadStump()
            try engine.apply([scorer("stump@1")])
            func answer(
                _ bytes: [UInt8], _ worker: inout Worker
            ) throws(EngineError) -> [UInt8] {
                worker.begin()
                defer { worker.end() }
                var writer = WireWriter()
                try worker.scoreBatch(bytes.span, at: .now(), into: &writer) { error in
                    KassaV1.Refusal(code: 3, message: error.reason)
                }
                let written = writer.bytes
                return written.indices.map { written[$0] }
            }
            let first = try answer(whole, &worker)
            let results = try KassaV1.ScoreBatchResponse(decoding: first.span).results
            #expect(results.map(\.margin) == [-0.25, 0, 0.25])
            #expect(results.map { $0.refusal == nil } == [true, false, true])
            for _ in 0..<3_000 {
                var bytes = whole
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let place = Int.random(in: bytes.indices, using: &generator)
                    bytes[place] = .random(in: 0 ... .max, using: &generator)
                }
                if Bool.random(using: &generator) {
                    bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
                }
                if let reply = try? answer(bytes, &worker) {
                    _ = try KassaV1.ScoreBatchResponse(decoding: reply.span)
                }
            }
            #expect(try answer(whole, &worker) == first)
        }
    }

    @Test(
        arguments: [
            (0.0, ScoreLimits.batchRowsMax), (1, ScoreLimits.batchRowsMax),
            (ScoreLimits.batchMicrosecondsMax / 1_000, 1_000),
            (ScoreLimits.batchMicrosecondsMax / 999.9, 999),
            (ScoreLimits.batchMicrosecondsMax, 1), (ScoreLimits.batchMicrosecondsMax + 1, 1),
            (Double.infinity, 1),
        ] as [(Double, Int)])
    func `has no more rows than its loop has time for`(cost: Double, rows: Int) {
        #expect(ScoreLimits.batchRows(ofMicroseconds: cost) == rows)
    }
}

struct `Contributions` {
    private let folder = TemporaryFolder()

    @Test func `are refused where they take too long, and given where they do not`() throws {
        let artefact = Array(stump(threshold: 3).utf8)
        let compiled = try CompiledModel(importing: artefact.span, format: .xgboostJSON)
        let output = try ScoreOutput(nil, of: compiled)
        func check(_ microseconds: Double) throws(EngineError) {
            try Worker.checkContributions(
                of: Model(
                    info: KassaV1.ModelInfo(), compiled: compiled, output: output,
                    contributionMicroseconds: microseconds))
        }
        try check(ScoreLimits.contributionMicrosecondsMax)
        for slow in [ScoreLimits.contributionMicrosecondsMax.nextUp, .infinity] {
            let error = #expect(throws: EngineError.self) { try check(slow) }
            #expect(error?.kind == .failedPrecondition)
            #expect(error?.reason.hasPrefix("include: ") == true)
        }
    }

    @Test func `of a stump are its leaf without the mean`() throws {
        try folder.withEngine { engine, worker in
            try engine.apply([cart])
            try engine.uploadStump()
            try engine.apply([scorer("stump@1")])
            try worker.write(items: 9, session: "s")
            let answer = try worker.score("s", include: [.contributions])
            #expect(answer.contributions.map(\.name) == ["cart.items"])
            // Summed by quadrature: exact but for rounding.
            #expect(abs(answer.contributions[0].value + 0.25) < 1e-15)
            #expect(answer.expectation == 0)
            let model = try #require(engine.published.current.model("stump"))
            #expect(model.contributionMicroseconds > 0)
            #expect(model.contributionMicroseconds < ScoreLimits.contributionMicrosecondsMax)
        }
    }
}
