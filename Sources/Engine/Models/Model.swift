// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Crypto
internal import Features
internal import Models
internal import Rollout
internal import Wire

extension ModelFormat {
    /// The format that the API calls so; nil for an unknown one.
    init?(_ format: KassaV1.ModelFormat) {
        switch format {
        case .xgboostJson: self = .xgboostJSON
        case .xgboostUbj: self = .xgboostUBJ
        case .lightgbmText: self = .lightGBMText
        case .onnx: self = .onnx
        case .plainJson: self = .plainJSON
        default: return nil
        }
    }
}

/// A verified model, ready to evaluate.
final class Model: Sendable {
    /// What is known about it, as the API shows it, golden rows and histograms included.
    let info: KassaV1.ModelInfo
    /// SHA-256 over everything but words and the name: what the same answers come from.
    let bundleDigest: [UInt8]
    let compiled: CompiledModel
    /// Which number is the score, and how it is calibrated.
    let output: ScoreOutput
    /// What the contributions of one row take at most in microseconds, as estimated from its trees.
    let contributionMicroseconds: Double
    /// False for a model with a defect: then nothing is scored by it.
    let isServed: Bool

    /// A model whose bundle is sound.
    init(
        info: KassaV1.ModelInfo, compiled: CompiledModel, output: ScoreOutput,
        contributionMicroseconds: Double? = nil
    ) {
        self.info = info
        self.compiled = compiled
        self.output = output
        isServed = info.defect.isEmpty
        self.contributionMicroseconds =
            contributionMicroseconds ?? Self.estimateContributions(of: compiled)
        bundleDigest = Self.bundleDigest(of: info.spec ?? KassaV1.ModelSpec())
    }

    /// A stored model. Its golden rows are run again: what fails makes it a model with a defect.
    convenience init(
        stored info: KassaV1.ModelInfo, compiled: CompiledModel, features: FeatureCatalog
    ) throws(EngineError) {
        var info = info
        info.defect = ""
        let spec = info.spec ?? KassaV1.ModelSpec()
        let output: ScoreOutput
        do throws(EngineError) {
            output = try ScoreOutput(spec.output, of: compiled)
            let plan = try ModelInputs.plan(spec, of: compiled, in: features)
            try GoldenCheck(plan: plan, model: compiled, output: output)
                .run(spec.golden, at: "golden")
        } catch {
            info.defect = error.reason
            self.init(info: info, compiled: compiled, output: try ScoreOutput(nil, of: compiled))
            return
        }
        self.init(info: info, compiled: compiled, output: output)
    }

    /// How slots refer to it.
    var bundle: Bundle { Bundle(model: name, digest: bundleDigest) }

    /// "abandonment@1".
    var name: String { "\(info.spec?.name ?? "")@\(info.spec?.version ?? 0)" }

    /// What is known about it, without what only `Get` shows: golden rows and histograms.
    var summary: KassaV1.ModelInfo {
        var info = info
        info.spec?.golden = []
        info.spec?.histograms = []
        info.spec?.scoreHistogram = nil
        return info
    }

    /// The histogram over the training rows of the value at `place` of the row; nil if there is none.
    func histogram(ofPlace place: Int) -> KassaV1.ReferenceHistogram? {
        info.spec?.histograms.first { Int($0.input) == place }
    }

    /// The histogram over the training rows of the score; nil if there is none.
    var scoreHistogram: KassaV1.ReferenceHistogram? { info.spec?.scoreHistogram }

    /// The digest of a bundle; words and the name are left out.
    static func bundleDigest(of spec: KassaV1.ModelSpec) -> [UInt8] {
        var writer = WireWriter()
        KassaV1.ModelSpec(
            format: spec.format, sha256: spec.sha256, byteCount: spec.byteCount,
            inputs: spec.inputs, output: spec.output, golden: spec.golden,
            histograms: spec.histograms, scoreHistogram: spec.scoreHistogram
        ).encode(into: &writer)
        return SHA256.digest(of: writer.bytes)
    }

    /// Linear in the nodes, which took 14 ns each in a small forest and up to 35 ns in one beyond the caches.
    ///
    /// Not measured when the model is loaded: whether a reply has contributions must not depend on what
    /// else the machine was doing then.
    private static func estimateContributions(of model: CompiledModel) -> Double {
        Double(model.summary.leafCount) * 2 * 0.03
    }
}
