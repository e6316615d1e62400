// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import Features
internal import Store
internal import Wire

/// `Config`: documents in, plans and epochs out. Control work: it blocks on the disk.
extension Engine {
    /// Applies documents together, or only plans them.
    ///
    /// Nothing is changed unless all documents fit; then one durable transaction holds the documents,
    /// the new epoch and the audit record, and the new configuration is published.
    ///
    /// - Throws: the first document and field that do not fit; `aborted` if another epoch is in force
    ///   than the caller expects.
    package func apply(
        _ request: KassaV1.ApplyRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.ApplyResponse {
        let base = published.current
        if let expected = request.expectedEpoch, expected != base.epoch {
            throw EngineError(
                .aborted, "expected_epoch: epoch \(base.epoch) is in force; plan again")
        }
        guard request.documents.count <= EngineLimits.documentsMax else {
            throw EngineError(
                .invalidArgument,
                "documents: more than \(EngineLimits.documentsMax) in one request")
        }
        try Words.checkProse(request.actor, at: "actor")
        try Words.checkProse(request.reason, at: "reason")
        var plan = ConfigurationPlan(base: base)
        for (index, document) in request.documents.enumerated() {
            try plan.add(document, at: "documents[\(index)]")
        }
        guard plan.isChange, !request.dryRun else {
            // Compiled all the same, so that a dry run finds what a real one would.
            if plan.isChange { _ = try plan.configuration(epoch: base.epoch + 1) }
            return KassaV1.ApplyResponse(plan: plan.entries, epoch: base.epoch)
        }
        let next = try plan.configuration(epoch: base.epoch + 1)
        let record = KassaStorageV1.AuditRecord(
            atUs: now.microseconds, actor: request.actor, action: "apply",
            reason: request.reason, epoch: next.epoch,
            details: plan.entries.flatMap { entry in
                entry.details.map { "\(entry.kind) \(entry.name): \($0)" }
            })
        try commit(record, epoch: next.epoch, puts: puts(of: plan, epoch: next.epoch))
        environment.faults.hit(.configurationCommitted)
        published.publish(next)
        environment.faults.hit(.configurationPublished)
        return KassaV1.ApplyResponse(plan: plan.entries, epoch: next.epoch)
    }

    private func puts(of plan: ConfigurationPlan, epoch: UInt64) -> [Put] {
        let sets = plan.changedSets.values.map { set in
            Put(
                table: tables.resources,
                key: ResourceKind.key(ResourceKind.featureSet, set.name),
                value: set.encodedState())
        }
        let scorers = plan.changedScorers.values.map { spec in
            Put(
                table: tables.resources, key: ResourceKind.key(ResourceKind.scorer, spec.name),
                value: KassaStorageV1.StoredScorer(spec: spec, epoch: epoch).encodedBytes())
        }
        return sets + scorers
    }

    /// The document of that kind and name, "cart@2" or "cart" for the newest version.
    package func get(_ request: KassaV1.GetRequest) throws(EngineError) -> KassaV1.GetResponse {
        let configuration = published.current
        switch request.kind {
        case ResourceKind.featureSet:
            guard
                let reference = FeatureSetReference(request.name),
                let spec = configuration.features.sets[reference.name]?
                    .spec(version: reference.version)
            else { throw EngineError(.notFound, "name: there is no such feature set") }
            return KassaV1.GetResponse(
                document: KassaV1.Document(resource: .featureSet(spec)),
                epoch: configuration.epoch)
        case ResourceKind.scorer:
            guard let scorer = configuration.scorerSpec(request.name) else {
                throw EngineError(.notFound, "name: there is no such scorer")
            }
            return KassaV1.GetResponse(
                document: KassaV1.Document(resource: .scorer(scorer)),
                epoch: configuration.epoch)
        default:
            throw EngineError(.invalidArgument, "kind: must be feature_set or scorer")
        }
    }

    /// All documents of a kind, or of all kinds, sorted by name; of a feature set every version.
    package func list(_ request: KassaV1.ListRequest) throws(EngineError) -> KassaV1.ListResponse {
        guard ["", ResourceKind.featureSet, ResourceKind.scorer].contains(request.kind) else {
            throw EngineError(.invalidArgument, "kind: must be feature_set, scorer or empty")
        }
        let configuration = published.current
        var documents: [KassaV1.Document] = []
        if request.kind != ResourceKind.scorer {
            let sets = configuration.features.sets.values.sorted { $0.name < $1.name }
            for set in sets {
                for version in set.versions {
                    guard let spec = set.spec(version: version.number) else { continue }
                    documents.append(KassaV1.Document(resource: .featureSet(spec)))
                }
            }
        }
        if request.kind != ResourceKind.featureSet {
            documents += configuration.scorerSpecs.map {
                KassaV1.Document(resource: .scorer($0))
            }
        }
        return KassaV1.ListResponse(documents: documents, epoch: configuration.epoch)
    }
}
