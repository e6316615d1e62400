// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Crypto
import Engine
import Files
import Testing

struct `Models` {
    @Test func `the same upload again is the model that is there`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            try engine.apply([cart])
            let first = try engine.uploadStump()
            #expect(!first.alreadyPresent)
            #expect(first.model?.trees == 1)
            #expect(first.model?.nodes == 3)
            let again = try engine.uploadStump()
            #expect(again.alreadyPresent)
            #expect(again.model?.spec?.version == 1)
            #expect(try engine.uploadStump(threshold: 4).model?.spec?.version == 2)
        }
    }

    @Test func `a version with other content is refused`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            try engine.apply([cart])
            try engine.uploadStump(version: 1)
            let error = #expect(throws: EngineError.self) {
                try engine.uploadStump(threshold: 4, version: 1)
            }
            #expect(error?.kind == .alreadyExists)
        }
    }

    @Test func `bytes that are not the announced ones are refused`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            try engine.apply([cart])
            var artefact = Array(stump(threshold: 3).utf8)
            let digest = SHA256.digest(of: artefact.span)
            artefact[10] ^= 1
            let error = #expect(throws: EngineError.self) {
                try engine.upload(
                    KassaV1.ModelSpec(
                        name: "stump", format: .xgboostJson, sha256: digest,
                        byteCount: UInt64(artefact.count),
                        inputs: [KassaV1.ModelInput(featureSet: "cart@1", feature: "items")]),
                    artefact: artefact, at: .now())
            }
            #expect(error?.kind == .dataLoss)
            #expect(engine.listModels().models.isEmpty)
        }
    }

    @Test func `inputs must exist and must be as many as the artefact takes`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            try engine.apply([cart])
            let unknown = #expect(throws: EngineError.self) {
                try engine.uploadStump(feature: "weight")
            }
            #expect(unknown?.kind == .invalidArgument)
            #expect(unknown?.reason.contains("inputs[0]") == true)
        }
    }

    @Test func `a model that a scorer names stays, and goes when none does`() throws {
        let folder = TemporaryFolder()
        try folder.withEngine { engine, _ in
            try engine.apply([cart])
            try engine.uploadStump()
            try engine.uploadStump(threshold: 4)
            try engine.apply([scorer("stump@1")])
            let error = #expect(throws: EngineError.self) {
                try engine.deleteModel(KassaV1.DeleteModelRequest(model: "stump@1"), at: .now())
            }
            #expect(error?.kind == .failedPrecondition)
            #expect(error?.reason.contains("abandonment") == true)
            try engine.apply([scorer("stump@2")])
            try engine.deleteModel(KassaV1.DeleteModelRequest(model: "stump@1"), at: .now())
            #expect(engine.listModels().models.map { $0.spec?.version } == [2])
            #expect(try Files.names(in: "\(folder.path)/bundles").count == 1)
        }
    }

    @Test func `the last version there can be is followed by none`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            try engine.apply([cart])
            let over = #expect(throws: EngineError.self) {
                try engine.uploadStump(version: EngineLimits.modelVersionMax + 1)
            }
            #expect(over?.kind == .invalidArgument)
            #expect(over?.reason.contains("spec.version") == true)
            try engine.uploadStump(version: EngineLimits.modelVersionMax)
            let next = #expect(throws: EngineError.self) { try engine.uploadStump(threshold: 4) }
            #expect(next?.kind == .failedPrecondition)
            #expect(next?.reason.contains("spec.version") == true)
        }
    }

    @Test func `a damaged artefact stops the start and is named`() throws {
        let folder = TemporaryFolder()
        try folder.withEngine { engine, _ in
            try engine.apply([cart])
            try engine.uploadStump()
        }
        let name = try Files.names(in: "\(folder.path)/bundles")[0]
        var bytes = try Files.read("\(folder.path)/bundles/\(name)", byteCountMax: 1 << 20)
        bytes[100] ^= 1
        try Files.write(bytes.span, to: "\(folder.path)/bundles/\(name)")
        let error = #expect(throws: EngineError.self) { try folder.withEngine { _, _ in } }
        #expect(error?.kind == .dataLoss)
        #expect(error?.reason.contains(name) == true)
    }
}
