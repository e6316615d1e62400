// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import Crypto
internal import Features
internal import Models
internal import Store
internal import Wire

/// `Models`: artefacts in, verified models out. Control work: it takes up to seconds and blocks.
extension Engine {
    /// Checks a spec before its artefact is received, so that a hopeless upload ends early.
    package static func checkUpload(
        _ spec: KassaV1.ModelSpec, actor: String = "", reason: String = ""
    ) throws(EngineError) {
        try Words.checkProse(actor, at: "actor")
        try Words.checkProse(reason, at: "reason")
        try Words.check(spec, at: "spec")
        guard spec.version <= EngineLimits.modelVersionMax else {
            throw EngineError(
                .invalidArgument, "spec.version: must be at most \(EngineLimits.modelVersionMax)")
        }
        guard ModelFormat(spec.format) != nil else {
            throw EngineError(.invalidArgument, "spec.format: it is none that this release reads")
        }
        guard spec.sha256.count == SHA256.byteCount else {
            throw EngineError(.invalidArgument, "spec.sha256: must have 32 bytes")
        }
        guard spec.byteCount > 0, spec.byteCount <= UInt64(ArtefactFiles.byteCountMax) else {
            throw EngineError(
                .invalidArgument,
                "spec.byte_count: must be from 1 to \(ArtefactFiles.byteCountMax)")
        }
        guard !spec.inputs.isEmpty, spec.inputs.count <= ImportLimits.featuresMax else {
            throw EngineError(
                .invalidArgument, "spec.inputs: must be from 1 to \(ImportLimits.featuresMax)")
        }
        for (index, input) in spec.inputs.enumerated()
        where input.categories.count > FeatureLimits.categoriesMax {
            throw EngineError(
                .invalidArgument,
                "spec.inputs[\(index)].categories: more than \(FeatureLimits.categoriesMax)")
        }
        try GoldenCheck.check(form: spec.golden, at: "spec.golden")
        try ReferenceHistograms.check(form: spec)
        guard spec.encodedBytes().count <= BundleLimits.specByteCountMax else {
            throw EngineError(
                .invalidArgument,
                "spec: more than \(BundleLimits.specByteCountMax) bytes; bring fewer golden rows")
        }
    }

    /// Verifies an artefact and, if everything holds, makes it a model.
    ///
    /// The digest, the structure of every tree, the number of inputs and their types, the output, the
    /// histograms and every golden row are checked first; then the file, then one durable transaction with the model and its audit record, which
    /// names `actor` and `reason`.
    package func upload(
        _ given: KassaV1.ModelSpec, artefact: [UInt8], actor: String = "", reason: String = "",
        at now: Timestamp
    ) throws(EngineError) -> KassaV1.UploadResponse {
        try Self.checkUpload(given, actor: actor, reason: reason)
        guard UInt64(artefact.count) == given.byteCount else {
            throw EngineError(
                .invalidArgument,
                "spec.byte_count: \(given.byteCount) were announced, \(artefact.count) came")
        }
        guard SHA256.digest(of: artefact.span) == given.sha256 else {
            throw EngineError(.dataLoss, "spec.sha256: the artefact's bytes have another digest")
        }
        let base = published.current
        let digest = Model.bundleDigest(of: given)
        if let present = try Self.present(given, digest: digest, in: base) {
            return KassaV1.UploadResponse(model: present.summary, alreadyPresent: true)
        }
        let (compiled, output) = try Self.compile(artefact, given, features: base.features)
        var spec = given
        let versions = base.models[spec.name] ?? []
        spec.version = try Self.version(spec.version, after: base.modelNumbers[spec.name] ?? 0)
        try Self.checkRoom(besides: versions.count)
        let info = KassaV1.ModelInfo(
            spec: spec, trees: UInt32(clamping: compiled.summary.treeCount),
            nodes: UInt32(clamping: compiled.summary.nodeCount),
            depth: UInt32(clamping: compiled.summary.depth),
            objective: compiled.summary.objective, uploadedAtUs: now.microseconds,
            rowUs: compiled.rowMicroseconds, hasContributions: compiled.hasContributions)
        let model = Model(info: info, compiled: compiled, output: output)
        try artefacts.write(artefact.span, digest: spec.sha256)
        environment.faults.hit(.modelFileWritten)
        let put = Put(
            table: tables.bundles, key: Array(model.name.utf8),
            value: KassaStorageV1.StoredModel(info: info, bundleSha256: model.bundleDigest)
                .encodedBytes())
        let number = Put(
            table: tables.resources, key: ResourceKind.key(ResourceKind.modelNumber, spec.name),
            value: integerBytes(UInt64(spec.version)))
        try commit(
            KassaStorageV1.AuditRecord(
                atUs: now.microseconds, actor: actor, action: "model upload", reason: reason,
                epoch: base.epoch,
                details: ["model \(model.name), bundle \(hexadecimal(model.bundleDigest))"]),
            epoch: base.epoch, puts: [put, number])
        environment.faults.hit(.modelCommitted)
        var models = base.models
        models[spec.name, default: []].append(model)
        models[spec.name]?.sort { ($0.info.spec?.version ?? 0) < ($1.info.spec?.version ?? 0) }
        var numbers = base.modelNumbers
        numbers[spec.name] = spec.version
        try publish(models: models, numbers: numbers, over: base)
        return KassaV1.UploadResponse(model: model.summary)
    }

    /// The number of a new version: the one that was asked for, or with 0 the next. Numbers only go
    /// up, so that none ever means something else than it did, even after a deletion.
    private static func version(
        _ given: UInt32, after newest: UInt32
    ) throws(EngineError) -> UInt32 {
        guard given == 0 else {
            guard given > newest else {
                throw EngineError(
                    .failedPrecondition,
                    "spec.version: must be above \(newest), which was given already")
            }
            return given
        }
        guard newest < EngineLimits.modelVersionMax else {
            throw EngineError(
                .failedPrecondition, "spec.version: no number is left after the newest; name one")
        }
        return newest + 1
    }

    /// One more version fits beside `count` others.
    static func checkRoom(besides count: Int) throws(EngineError) {
        guard count < EngineLimits.modelVersionsMax else {
            throw EngineError(
                .failedPrecondition,
                "spec.name: it has \(EngineLimits.modelVersionsMax) versions; delete old ones")
        }
    }

    /// The model that the upload would make, if it is there already.
    private static func present(
        _ spec: KassaV1.ModelSpec, digest: [UInt8], in base: Configuration
    ) throws(EngineError) -> Model? {
        let versions = base.models[spec.name] ?? []
        if spec.version == 0 {
            return versions.last.flatMap { $0.bundleDigest == digest ? $0 : nil }
        }
        guard let model = versions.first(where: { $0.info.spec?.version == spec.version }) else {
            return nil
        }
        guard model.bundleDigest == digest else {
            throw EngineError(
                .alreadyExists, "spec.version: \(model.name) exists with other content")
        }
        return model
    }

    private static func compile(
        _ artefact: [UInt8], _ spec: KassaV1.ModelSpec, features: FeatureCatalog
    ) throws(EngineError) -> (CompiledModel, ScoreOutput) {
        guard let format = ModelFormat(spec.format) else {
            throw EngineError(.invalidArgument, "spec.format: it is none that this release reads")
        }
        let compiled: CompiledModel
        do throws(ImportError) {
            compiled = try CompiledModel(importing: artefact.span, format: format)
        } catch {
            throw EngineError(.invalidArgument, "artefact: \(error.description)")
        }
        guard compiled.rowMicroseconds <= EngineLimits.rowMicrosecondsMax else {
            throw EngineError(
                .invalidArgument,
                "artefact: a row takes \(Int(compiled.rowMicroseconds)) µs to evaluate, more than "
                    + "\(Int(EngineLimits.rowMicrosecondsMax))")
        }
        let output = try ScoreOutput(spec.output, of: compiled)
        let plan = try ModelInputs.plan(spec, of: compiled, in: features)
        try ReferenceHistograms.check(spec.histograms, against: plan)
        try GoldenCheck(plan: plan, model: compiled, output: output)
            .run(spec.golden, at: "spec.golden")
        return (compiled, output)
    }

    /// Puts another set of models in force; the epoch stays, because no answer changes by it.
    private func publish(
        models: [String: [Model]], numbers: [String: UInt32], over base: Configuration
    ) throws(EngineError) {
        published.publish(
            try Configuration(
                epoch: base.epoch, features: base.features, models: models,
                modelNumbers: numbers, scorerSpecs: base.scorerSpecs,
                places: base.places, rollouts: base.rollouts))
    }

    /// All models, by name and version, without golden rows and histograms.
    package func listModels() -> KassaV1.ListModelsResponse {
        let models = published.current.models
        return KassaV1.ListModelsResponse(
            models: models.keys.sorted().flatMap { models[$0] ?? [] }.map(\.summary))
    }

    /// One model and the scorers that name it.
    package func getModel(
        _ request: KassaV1.GetModelRequest
    ) throws(EngineError) -> KassaV1.GetModelResponse {
        let configuration = published.current
        guard let model = configuration.model(request.model) else {
            throw EngineError(.notFound, "model: there is no such model")
        }
        return KassaV1.GetModelResponse(
            model: model.info, scorers: configuration.scorers(of: model).map(\.name))
    }

    /// The models that are not served, each with why: "abandonment@1: golden[3].score: ...".
    package var modelDefects: [String] {
        published.current.models.values.joined().filter { !$0.isServed }
            .map { "\($0.name): \($0.info.defect)" }.sorted()
    }

    /// Removes a model that no scorer names, and its artefact unless another model has it too.
    package func deleteModel(
        _ request: KassaV1.DeleteModelRequest, at now: Timestamp
    ) throws(EngineError) {
        try Words.checkProse(request.actor, at: "actor")
        try Words.checkProse(request.reason, at: "reason")
        let base = published.current
        guard request.model.utf8.contains(UInt8(ascii: "@")), let model = base.model(request.model)
        else {
            throw EngineError(.notFound, "model: there is no such model; name it with its version")
        }
        if let scorer = base.scorers(of: model).first {
            throw EngineError(
                .failedPrecondition,
                "model: scorer \(scorer.name) has it in a slot")
        }
        guard care.beginDeletion() else {
            throw EngineError(
                .unavailable, "model: a snapshot is being made of it; delete it afterwards")
        }
        defer { care.endDeletion() }
        try commit(
            KassaStorageV1.AuditRecord(
                atUs: now.microseconds, actor: request.actor, action: "model delete",
                reason: request.reason, epoch: base.epoch, details: ["model \(model.name)"]),
            epoch: base.epoch,
            puts: [Put(table: tables.bundles, key: Array(model.name.utf8), value: nil)])
        environment.faults.hit(.modelCommitted)
        var models = base.models
        let name = model.info.spec?.name ?? ""
        models[name]?.removeAll { $0 === model }
        if models[name]?.isEmpty == true { models[name] = nil }
        try publish(models: models, numbers: base.modelNumbers, over: base)
        let digest = model.info.spec?.sha256 ?? []
        let isShared = models.values.joined().contains { $0.info.spec?.sha256 == digest }
        environment.faults.hit(.modelFileLeft)
        // The model is gone whatever becomes of its file; the next start removes what stays.
        if !isShared { try? artefacts.remove(digest: digest) }
    }
}
