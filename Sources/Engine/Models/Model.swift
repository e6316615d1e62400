// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Crypto
internal import Models
internal import Wire

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
