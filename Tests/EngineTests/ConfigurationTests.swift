// SPDX-License-Identifier: Apache-2.0

import API
import Engine
import Testing

struct `Configuration` {
    @Test func `an apply makes one epoch, and the same apply again none`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            let first = try engine.apply([cart])
            #expect(first.epoch == 1)
            #expect(first.plan.map(\.action) == [.add])
            #expect(first.plan.map(\.name) == ["cart@1"])
            let again = try engine.apply([cart])
            #expect(again.epoch == 1)
            #expect(again.plan.map(\.action) == [.unchanged])
        }
    }

    @Test func `a dry run plans and changes nothing`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            let planned = try engine.apply([cart], dryRun: true)
            #expect(planned.plan.map(\.action) == [.add])
            #expect(engine.epoch == 0)
            #expect(try engine.list(KassaV1.ListRequest()).documents.isEmpty)
        }
    }

    @Test func `an expected epoch that is not in force aborts`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            try engine.apply([cart], expectedEpoch: 0)
            let error = #expect(throws: EngineError.self) {
                try engine.apply([cart], expectedEpoch: 0)
            }
            #expect(error?.kind == .aborted)
            #expect(error?.reason.contains("epoch 1") == true)
        }
    }

    @Test func `one document that does not fit refuses all, and names its place`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            let error = #expect(throws: EngineError.self) {
                try engine.apply([cart, scorer("stump@1")])
            }
            #expect(error?.kind == .failedPrecondition)
            #expect(error?.reason.hasPrefix("documents[1].scorer.model") == true)
            #expect(engine.epoch == 0)
        }
    }

    @Test func `a version never changes`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            try engine.apply([cart])
            let other = KassaV1.Document.Resource.featureSet(
                KassaV1.FeatureSetSpec(
                    name: "cart", version: 1, entity: ["session"],
                    features: [KassaV1.FeatureSpec(name: "items", type: .float64)]))
            let error = #expect(throws: EngineError.self) { try engine.apply([other]) }
            #expect(error?.kind == .failedPrecondition)
        }
    }

    @Test func `what was applied is in force after a restart`() throws {
        let folder = TemporaryFolder()
        try folder.withEngine { engine, _ in
            try engine.apply([cart])
            try engine.uploadStump()
            try engine.apply([scorer("stump@1")])
        }
        try folder.withEngine { engine, worker in
            #expect(engine.epoch == 2)
            #expect(engine.listModels().models.map { $0.spec?.version } == [1])
            let response = try worker.score("nobody")
            #expect(response.model == "stump@1")
            #expect(response.epoch == 2)
        }
    }

    @Test func `a folder that is open is refused`() throws {
        let folder = TemporaryFolder()
        try folder.withEngine { _, _ in
            let error = #expect(throws: EngineError.self) {
                try Engine(folder: folder.path, loopCount: 1, mapBytes: 1 << 30)
            }
            #expect(error?.kind == .unavailable)
        }
    }

    @Test func `exactly the most documents are taken, and one more refused`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            let documents = [KassaV1.Document.Resource](
                repeating: cart, count: EngineLimits.documentsMax)
            try engine.apply(documents)
            let error = #expect(throws: EngineError.self) { try engine.apply(documents + [cart]) }
            #expect(error?.kind == .invalidArgument)
        }
    }
}
