// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Crypto
internal import Models
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
    /// What is known about it, as the API shows it.
    let info: KassaV1.ModelInfo
    /// SHA-256 over format, artefact digest and inputs: what the same answers come from.
    let bundleDigest: [UInt8]
    let compiled: CompiledModel

    init(info: KassaV1.ModelInfo, compiled: CompiledModel) {
        self.info = info
        self.compiled = compiled
        bundleDigest = Self.bundleDigest(of: info.spec ?? KassaV1.ModelSpec())
    }

    /// "abandonment@1".
    var name: String { "\(info.spec?.name ?? "")@\(info.spec?.version ?? 0)" }

    /// The digest of what determines a model's answers; words and the name are left out.
    static func bundleDigest(of spec: KassaV1.ModelSpec) -> [UInt8] {
        var writer = WireWriter()
        KassaV1.ModelSpec(
            format: spec.format, sha256: spec.sha256, byteCount: spec.byteCount,
            inputs: spec.inputs
        ).encode(into: &writer)
        return SHA256.digest(of: writer.bytes)
    }
}
