// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import Crypto
internal import Rollout
internal import Store

/// Bundles that are kept out of slots, by digest. Control work.
extension Engine {
    /// Keeps a bundle out of every scorer's slots; rollouts of it are rolled back.
    ///
    /// - Throws: `failedPrecondition` if a scorer has it in STABLE, which is never emptied.
    package func quarantine(
        _ request: KassaV1.QuarantineRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.QuarantineResponse {
        let base = published.current
        let digest = try digest(request.model, request.bundleSha256, in: base)
        let call = try Self.reasoned(request.actor, request.reason)
        let sharers = sharers(of: digest, with: nil, call, in: base, at: now)
        if let spec = sharers.stable.first {
            throw EngineError(
                .failedPrecondition,
                "model: scorer \(spec.name) has it in STABLE; undo or promote another first")
        }
        guard !sharers.transitions.isEmpty || !base.rollouts.isQuarantined(digest) else {
            return KassaV1.QuarantineResponse(bundleSha256: digest, unchanged: true)
        }
        let rolledBack = sharers.rolledBack.map(\.spec.name)
        _ = try put([], with: sharers, quarantine: digest, call, over: base, at: now)
        return KassaV1.QuarantineResponse(bundleSha256: digest, rolledBack: rolledBack)
    }

    /// Lets a bundle into slots again.
    package func clearQuarantine(
        _ request: KassaV1.ClearQuarantineRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.ClearQuarantineResponse {
        let base = published.current
        let digest = try digest(request.model, request.bundleSha256, in: base)
        let call = try Self.reasoned(request.actor, request.reason)
        guard base.rollouts.isQuarantined(digest) else {
            return KassaV1.ClearQuarantineResponse(bundleSha256: digest, unchanged: true)
        }
        try recordPending()
        var book = base.rollouts
        book.quarantine[digest] = nil
        let next = try Configuration(
            epoch: base.epoch + 1, features: base.features, models: base.models,
            modelNumbers: base.modelNumbers, scorerSpecs: base.scorerSpecs, places: base.places,
            rollouts: book, reusing: base.scorers)
        try commit(
            KassaStorageV1.AuditRecord(
                atUs: now.microseconds, actor: call.actor, action: "rollout clear-quarantine",
                reason: call.reason, epoch: next.epoch,
                details: ["bundle \(hexadecimal(digest)) may be in slots again"]),
            epoch: next.epoch,
            puts: [
                Put(table: tables.rollouts, key: RolloutKey.quarantine(digest), value: nil)
            ])
        environment.faults.hit(.rolloutRecorded)
        published.publish(next)
        environment.faults.hit(.rolloutPublished)
        return KassaV1.ClearQuarantineResponse(bundleSha256: digest)
    }

    static func reasoned(
        _ actor: String, _ reason: String
    ) throws(EngineError) -> VerbCall {
        guard !reason.isEmpty else {
            throw EngineError(.invalidArgument, "reason: must say why")
        }
        return try VerbCall(scorer: "", expectedRevision: nil, actor: actor, reason: reason)
            .checked()
    }

    private func digest(
        _ model: String, _ digest: [UInt8], in base: Configuration
    ) throws(EngineError) -> [UInt8] {
        guard model.isEmpty != digest.isEmpty else {
            throw EngineError(
                .invalidArgument, "model: exactly one of model and bundle_sha256 must be there")
        }
        guard model.isEmpty else {
            guard model.utf8.contains(UInt8(ascii: "@")), let bundle = base.bundle(model) else {
                throw EngineError(
                    .notFound, "model: there is no such model; name it with its version")
            }
            return bundle.digest
        }
        guard digest.count == SHA256.byteCount else {
            throw EngineError(.invalidArgument, "bundle_sha256: must have 32 bytes")
        }
        return digest
    }
}
