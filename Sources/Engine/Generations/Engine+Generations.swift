// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import Features
internal import Store
internal import Wire

/// `Generations`: whole replacements of a feature set's rows. Control work: it blocks on the disk.
extension Engine {
    /// Begins an empty generation in a spare table; from then on live writes go to it too.
    ///
    /// - Throws: `failedPrecondition` for a set that keeps a history: it is merged from writes, and would
    ///   say of times after the switch what was not served then.
    package func beginGeneration(
        _ request: KassaV1.BeginGenerationRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.BeginGenerationResponse {
        try Words.checkProse(request.actor, at: "actor")
        try Words.checkProse(request.reason, at: "reason")
        let base = published.current
        var generations = try generations(request.featureSet, in: base)
        try checkHistory(of: generations.featureSet, in: base)
        if let loading = generations.loading {
            throw EngineError(
                .failedPrecondition,
                "feature_set: generation \(loading.id) is being loaded; go on with it, or discard it"
            )
        }
        let taken = Set(emptier.discards.compactMap { $0.generation?.table })
        guard let table = base.places.freeTable(besides: taken) else {
            throw EngineError(
                .resourceExhausted,
                "feature_set: all \(EngineLimits.generationTablesMax) spare tables are taken;"
                    + " discard generations that are not needed")
        }
        let generation = KassaStorageV1.StoredGeneration(
            id: generations.nextId, table: table, createdAtUs: now.microseconds,
            createdBy: request.actor)
        generations.nextId += 1
        generations.loading = generation
        let progress = KassaStorageV1.StoredLoadProgress(id: generation.id)
        let next = try change(
            generations, of: base, at: now, action: "generation begin", actor: request.actor,
            reason: request.reason, detail: "generation \(generation.id) begins", movesEpoch: false,
            puts: [
                Put(
                    table: tables.resources,
                    key: ResourceKind.key(ResourceKind.loadProgress, generations.featureSet),
                    value: progress.encodedBytes())
            ])
        return KassaV1.BeginGenerationResponse(
            generation: try info(generation, .loading, of: generations.featureSet),
            epoch: next.epoch)
    }

    /// Serves the loaded generation from the next request on.
    ///
    /// - Throws: `failedPrecondition` unless a check of all its rows said PROCEED, or it is forced.
    package func switchGeneration(
        _ request: KassaV1.SwitchGenerationRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.SwitchGenerationResponse {
        try Words.checkProse(request.actor, at: "actor")
        try Words.checkProse(request.reason, at: "reason")
        let base = published.current
        var generations = try generations(request.featureSet, in: base)
        try expect(request.expectedServing, generations)
        guard let loading = generations.loading, loading.id == request.id else {
            throw EngineError(.notFound, "id: no generation of that number is loaded")
        }
        // It may have been declared meanwhile.
        try checkHistory(of: generations.featureSet, in: base)
        if request.force {
            guard !request.reason.isEmpty else {
                throw EngineError(.invalidArgument, "reason: a forced switch needs one")
            }
        } else {
            try checkVerdict(loading, of: generations.featureSet)
        }
        let dropped = generations.kept
        generations.kept = generations.serving
        generations.serving = loading
        generations.serving?.checkedRowsLoaded =
            try progress(of: generations.featureSet, loading.id).rowsLoaded
        generations.loading = nil
        let from = generations.kept?.id ?? 0
        let next = try change(
            generations, of: base, at: now, action: "generation switch", actor: request.actor,
            reason: request.reason,
            detail: "generation \(loading.id) serves instead of \(from)"
                + (request.force ? ", by force" : ""), movesEpoch: true, dropping: dropped)
        return KassaV1.SwitchGenerationResponse(
            generation: try info(loading, .serving, of: generations.featureSet), epoch: next.epoch)
    }

    /// Serves the generation before again; what served until now is kept in its place.
    package func rollBackGeneration(
        _ request: KassaV1.RollbackGenerationRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.RollbackGenerationResponse {
        try Words.checkProse(request.actor, at: "actor")
        try Words.checkProse(request.reason, at: "reason")
        let base = published.current
        var generations = try generations(request.featureSet, in: base)
        try expect(request.expectedServing, generations)
        guard let kept = generations.kept, let serving = generations.serving else {
            throw EngineError(
                .failedPrecondition, "feature_set: no generation before this one is kept")
        }
        generations.serving = kept
        generations.kept = serving
        let next = try change(
            generations, of: base, at: now, action: "generation rollback", actor: request.actor,
            reason: request.reason, detail: "generation \(kept.id) serves instead of \(serving.id)",
            movesEpoch: true)
        return KassaV1.RollbackGenerationResponse(
            generation: try info(kept, .serving, of: generations.featureSet), epoch: next.epoch)
    }

    /// Gives up a generation that does not serve; its rows are deleted in the background.
    package func discardGeneration(
        _ request: KassaV1.DiscardGenerationRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.DiscardGenerationResponse {
        try Words.checkProse(request.actor, at: "actor")
        try Words.checkProse(request.reason, at: "reason")
        let base = published.current
        var generations = try generations(request.featureSet, in: base)
        let dropped: KassaStorageV1.StoredGeneration
        if let loading = generations.loading, loading.id == request.id {
            dropped = loading
            generations.loading = nil
        } else if let kept = generations.kept, kept.id == request.id {
            dropped = kept
            generations.kept = nil
        } else if generations.serving?.id == request.id {
            throw EngineError(.failedPrecondition, "id: this generation serves")
        } else {
            throw EngineError(.notFound, "id: there is no such generation")
        }
        let next = try change(
            generations, of: base, at: now, action: "generation discard", actor: request.actor,
            reason: request.reason, detail: "generation \(dropped.id) is discarded",
            movesEpoch: false, dropping: dropped)
        return KassaV1.DiscardGenerationResponse(epoch: next.epoch)
    }

    /// Commits other generations of a feature set, with what they drop, and puts them in force.
    func change(
        _ generations: KassaStorageV1.StoredGenerations, of base: Configuration, at now: Timestamp,
        action: String, actor: String, reason: String, detail: String, movesEpoch: Bool,
        dropping dropped: KassaStorageV1.StoredGeneration? = nil, puts more: [Put] = []
    ) throws(EngineError) -> Configuration {
        let next = try Configuration(
            epoch: movesEpoch ? base.epoch + 1 : base.epoch, features: base.features,
            models: base.models, modelNumbers: base.modelNumbers,
            scorerSpecs: base.scorerSpecs,
            places: try base.places.replacing(generations), rollouts: base.rollouts)
        let name = generations.featureSet
        var puts = more
        puts.append(
            Put(
                table: tables.resources, key: ResourceKind.key(ResourceKind.generations, name),
                value: generations.encodedBytes()))
        let discard = dropped.map {
            KassaStorageV1.StoredDiscard(featureSet: name, generation: $0)
        }
        if let discard {
            puts.append(
                Put(
                    table: tables.resources, key: Discard.key(discard),
                    value: discard.encodedBytes()))
        }
        try commit(
            KassaStorageV1.AuditRecord(
                atUs: now.microseconds, actor: actor, action: action, reason: reason,
                epoch: next.epoch, details: ["feature_set \(name): \(detail)"]),
            epoch: next.epoch, puts: puts)
        environment.faults.hit(.generationCommitted)
        published.publish(next)
        environment.faults.hit(.generationPublished)
        // After the publication: no write that begins now goes to the dropped table.
        if let discard { emptier.add(discard, of: base.features.sets[name]) }
        return next
    }

    /// The generations of a feature set that must exist.
    func generations(
        _ name: String, in base: Configuration
    ) throws(EngineError) -> KassaStorageV1.StoredGenerations {
        guard base.features.sets[name] != nil else {
            throw EngineError(
                .notFound, "feature_set: there is none of that name; generations have no version")
        }
        return base.places.generations(of: name)
    }

    private func checkHistory(
        of set: String, in base: Configuration
    ) throws(EngineError) {
        guard base.features.sets[set]?.historyMilliseconds ?? 0 == 0 else {
            throw EngineError(
                .failedPrecondition,
                "feature_set: \(set) keeps a history, which a generation is not part of;"
                    + " load into the rows that serve")
        }
    }

    private func expect(
        _ expected: UInt64?, _ generations: KassaStorageV1.StoredGenerations
    ) throws(EngineError) {
        let serving = generations.serving?.id ?? 0
        guard expected == nil || expected == serving else {
            throw EngineError(.aborted, "expected_serving: generation \(serving) serves")
        }
    }

    private func checkVerdict(
        _ loading: KassaStorageV1.StoredGeneration, of name: String
    ) throws(EngineError) {
        let progress = try progress(of: name, loading.id)
        switch KassaV1.GenerationVerdict(rawValue: Int32(clamping: loading.verdict)) {
        case .proceed where loading.checkedRowsLoaded == progress.rowsLoaded: return
        case .refuse:
            throw EngineError(
                .failedPrecondition,
                "id: the check refused it (kassa generation check); force needs a reason")
        case .proceed:
            throw EngineError(
                .failedPrecondition, "id: rows were loaded since the check; check it again")
        default:
            throw EngineError(
                .failedPrecondition, "id: it was not checked (kassa generation check)")
        }
    }
}
