// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import Features
internal import Store
internal import Wire

/// A generation compared with what serves, before the verdict is kept.
package struct GenerationExamination: Sendable {
    let featureSet: String
    let id: UInt64
    let actor: String
    /// Rows that were loaded when it began: more since, and the verdict says nothing.
    let rowsLoaded: UInt64
    /// What the caller is told.
    package let response: KassaV1.CheckGenerationResponse
}

extension Engine {
    /// Looks at all rows of a loaded generation and of the one that serves, and compares.
    ///
    /// It changes nothing and takes a second for each million rows: not for a loop, nor for the thread
    /// that changes configuration.
    package func examineGeneration(
        _ request: KassaV1.CheckGenerationRequest
    ) throws(EngineError) -> GenerationExamination {
        try Words.checkProse(request.actor, at: "actor")
        let limits = request.limits ?? KassaV1.GenerationLimits()
        try GenerationGates.check(limits)
        let base = published.current
        let generations = try generations(request.featureSet, in: base)
        guard let loading = generations.loading, loading.id == request.id,
            let table = tables.rowTable(loading.table),
            let set = base.features.sets[request.featureSet]
        else { throw EngineError(.notFound, "id: no generation of that number is loaded") }
        let progress = try progress(of: request.featureSet, loading.id)
        let new: GenerationProfile
        let serving: GenerationProfile
        do throws(StoreError) {
            new = try GenerationProfile.of(
                RowRange(table, of: set, isShared: false), set, in: environment)
            let servingTable = base.places.of(set.name).serving
            serving = try GenerationProfile.of(
                RowRange(servingTable, of: set, isShared: servingTable == tables.rows), set,
                in: environment)
        } catch {
            throw EngineError(error)
        }
        let gates = GenerationGates(
            new: new, serving: serving, progress: progress, limits: limits
        ).all
        let isPassed = gates.allSatisfy { $0.passed }
        return GenerationExamination(
            featureSet: set.name, id: loading.id, actor: request.actor,
            rowsLoaded: progress.rowsLoaded,
            response: KassaV1.CheckGenerationResponse(
                verdict: isPassed ? .proceed : .refuse, gates: gates, rows: new.rows,
                servingRows: serving.rows))
    }

    /// Keeps the verdict of an examination, for a switch.
    package func keep(
        _ examination: GenerationExamination, at now: Timestamp
    ) throws(EngineError) -> KassaV1.CheckGenerationResponse {
        let base = published.current
        var generations = try generations(examination.featureSet, in: base)
        guard generations.loading?.id == examination.id else {
            throw EngineError(.aborted, "id: the generation was switched or discarded meanwhile")
        }
        let response = examination.response
        generations.loading?.verdict = UInt32(response.verdict.rawValue)
        generations.loading?.checkedRowsLoaded = examination.rowsLoaded
        let refused = response.gates.filter { !$0.passed }
            .map { $0.feature.isEmpty ? $0.gate : "\($0.gate) of \($0.feature)" }
        _ = try change(
            generations, of: base, at: now, action: "generation check", actor: examination.actor,
            reason: "",
            detail: "generation \(examination.id): \(response.verdict.name)"
                + (refused.isEmpty
                    ? "" : " because of \(refused.prefix(20).joined(separator: ", "))"),
            movesEpoch: false)
        return response
    }

    /// How far the load of a generation has come.
    func progress(
        of name: String, _ id: UInt64
    ) throws(EngineError) -> KassaStorageV1.StoredLoadProgress {
        let key = ResourceKind.key(ResourceKind.loadProgress, name)
        do throws(StoreError) {
            return try environment.read { transaction throws(StoreError) in
                LoadProgress.decode(
                    try transaction.value(forKey: key.span, in: tables.resources), id)
            }
        } catch {
            throw EngineError(error)
        }
    }
}
