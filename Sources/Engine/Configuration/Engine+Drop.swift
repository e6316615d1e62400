// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import Features
internal import Store

extension Engine {
    /// Takes a version of a feature set away for good, or only plans it.
    ///
    /// Refused while a scorer's model reads the version. Its number is never given again; columns that
    /// only it had are taken out of the rows in the background.
    package func drop(
        _ request: KassaV1.DropRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.DropResponse {
        let base = published.current
        if let expected = request.expectedEpoch, expected != base.epoch {
            throw EngineError(
                .aborted, "expected_epoch: epoch \(base.epoch) is in force; plan again")
        }
        try Words.checkProse(request.actor, at: "actor")
        try Words.checkProse(request.reason, at: "reason")
        guard let reference = FeatureSetReference(request.featureSet), reference.version > 0 else {
            throw EngineError(
                .invalidArgument, "feature_set: must name a version, as in cart@1")
        }
        var features = base.features
        let change: FeatureSetChange?
        do throws(FeatureSetError) {
            change = try features.drop(
                reference, readers: base.readers(of: reference.name, version: reference.version))
        } catch {
            throw EngineError(error)
        }
        guard let change else {
            throw EngineError(.notFound, "feature_set: there is no such version")
        }
        guard !request.dryRun else {
            return KassaV1.DropResponse(plan: change.planEntry, epoch: base.epoch)
        }
        let next = try Configuration(
            epoch: base.epoch + 1, features: features, models: base.models,
            modelNumbers: base.modelNumbers, scorerSpecs: base.scorerSpecs,
            places: base.places, rollouts: base.rollouts)
        let record = KassaStorageV1.AuditRecord(
            atUs: now.microseconds, actor: request.actor, action: "drop", reason: request.reason,
            epoch: next.epoch, details: change.details.map { "\(change.set.name): \($0)" })
        let put = Put(
            table: tables.resources,
            key: ResourceKind.key(ResourceKind.featureSet, change.set.name),
            value: change.set.encodedState())
        try commit(record, epoch: next.epoch, puts: [put])
        environment.faults.hit(.configurationCommitted)
        published.publish(next)
        environment.faults.hit(.configurationPublished)
        return KassaV1.DropResponse(plan: change.planEntry, epoch: next.epoch)
    }
}

extension Configuration {
    /// What reads a version of a feature set, "scorer checkout (model abandonment@1)".
    func readers(of set: String, version: UInt32) -> [String] {
        let name = "\(set)@\(version)"
        return scorers.filter { scorer in
            scorer.model.info.spec?.inputs.contains { $0.featureSet == name } ?? false
        }
        .map { "scorer \($0.spec.name) (model \($0.model.name))" }
    }
}
