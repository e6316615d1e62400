// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Crypto
import Features
import Files
import Glibc
import Testing

@testable import Engine

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
                        inputs: [KassaV1.ModelInput(featureSet: "cart@1", feature: "items")],
                        golden: stumpGolden()),
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
            try engine.promote("stump@2")
            // It is in PREVIOUS now, to be put back.
            #expect(throws: EngineError.self) {
                try engine.deleteModel(KassaV1.DeleteModelRequest(model: "stump@1"), at: .now())
            }
            _ = try engine.quarantine(
                KassaV1.QuarantineRequest(model: "stump@1", reason: "a test"), at: .now())
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

    @Test func `a version's number is never given again`() throws {
        let folder = TemporaryFolder()
        try folder.withEngine { engine, _ in
            try engine.apply([cart])
            try engine.uploadStump()
            try engine.uploadStump(threshold: 4)
            for model in ["stump@2", "stump@1"] {
                try engine.deleteModel(KassaV1.DeleteModelRequest(model: model), at: .now())
            }
        }
        // Nor after a start, when no model of the name is left.
        try folder.withEngine { engine, _ in
            for version: UInt32 in [1, 2] {
                let error = #expect(throws: EngineError.self) {
                    try engine.uploadStump(version: version)
                }
                #expect(error?.kind == .failedPrecondition)
                #expect(error?.reason.contains("spec.version") == true)
            }
            let uploads = [
                try engine.uploadStump(), try engine.uploadStump(threshold: 5, version: 7),
                try engine.uploadStump(threshold: 6),
            ]
            #expect(uploads.map { $0.model?.spec?.version } == [3, 7, 8])
        }
    }

    @Test func `a reference spells a version in one way only`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            try engine.apply([cart])
            try engine.uploadStump()
            for name in [
                "stump@+1", "stump@01", "stump@", "stump@0", "@1", "stump@1@1", "stump@ 1",
            ] {
                #expect(throws: EngineError.self) {
                    try engine.getModel(KassaV1.GetModelRequest(model: name))
                }
                #expect(throws: EngineError.self) {
                    try engine.deleteModel(KassaV1.DeleteModelRequest(model: name), at: .now())
                }
                #expect(throws: EngineError.self) { try engine.apply([scorer(name)]) }
            }
            for name in ["stump", "stump@1"] {
                let response = try engine.getModel(KassaV1.GetModelRequest(model: name))
                #expect(response.model?.spec?.version == 1)
            }
        }
    }

    @Test func `a model whose file cannot be removed is gone all the same`() throws {
        let folder = TemporaryFolder()
        try folder.withEngine { engine, _ in
            try engine.apply([cart])
            try engine.uploadStump()
            let name = try Files.names(in: "\(folder.path)/bundles")[0]
            let path = "\(folder.path)/bundles/\(name)"
            try Files.remove(path)
            // No file that could be unlinked.
            try Files.makeFolder(path)
            defer { _ = unsafe rmdir(path) }
            try engine.deleteModel(KassaV1.DeleteModelRequest(model: "stump@1"), at: .now())
            #expect(engine.listModels().models.isEmpty)
        }
    }

    @Test func `a start removes the artefacts of no model and nothing else`() throws {
        let folder = TemporaryFolder()
        try folder.withEngine { engine, _ in
            try engine.apply([cart])
            try engine.uploadStump()
        }
        let bundles = "\(folder.path)/bundles"
        let named = try Files.names(in: bundles)
        let bytes: [UInt8] = [1]
        try Files.write(bytes.span, to: "\(bundles)/\(String(repeating: "a", count: 64))")
        try Files.write(bytes.span, to: "\(bundles)/notes.txt")
        try folder.withEngine { engine, _ in
            #expect(engine.listModels().models.count == 1)
            let names = try Files.names(in: bundles)
            #expect(names == (named + ["notes.txt"]).sorted())
        }
    }

    @Test func `a name has as many versions as the limit says, and no more`() throws {
        try Engine.checkRoom(besides: EngineLimits.modelVersionsMax - 1)
        let error = #expect(throws: EngineError.self) {
            try Engine.checkRoom(besides: EngineLimits.modelVersionsMax)
        }
        #expect(error?.kind == .failedPrecondition)
    }

    @Test func `words are as long and labels as many as the limits say, and no more`() throws {
        func check(prose: Int = 0, labels: Int = 0) throws {
            try Engine.checkUpload(
                KassaV1.ModelSpec(
                    name: "m", format: .xgboostJson, sha256: [UInt8](repeating: 0, count: 32),
                    byteCount: 1,
                    inputs: [KassaV1.ModelInput(featureSet: "cart@1", feature: "items")],
                    owner: String(repeating: "o", count: prose),
                    labels: Dictionary(
                        uniqueKeysWithValues: (0..<labels).map { ("l\($0)", "v") }),
                    golden: stumpGolden()))
        }
        try check(prose: FeatureLimits.proseByteCountMax, labels: FeatureLimits.labelsMax)
        let prose = #expect(throws: EngineError.self) {
            try check(prose: FeatureLimits.proseByteCountMax + 1)
        }
        #expect(prose?.reason.contains("spec.owner") == true)
        let labels = #expect(throws: EngineError.self) {
            try check(labels: FeatureLimits.labelsMax + 1)
        }
        #expect(labels?.reason.contains("spec.labels") == true)
        for field in ["actor", "reason"] {
            let long = String(repeating: "x", count: FeatureLimits.proseByteCountMax + 1)
            let error = #expect(throws: EngineError.self) {
                try Engine.checkUpload(
                    KassaV1.ModelSpec(), actor: field == "actor" ? long : "",
                    reason: field == "reason" ? long : "")
            }
            #expect(error?.reason.hasPrefix(field) == true)
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
