// SPDX-License-Identifier: Apache-2.0

package import API
internal import Features
internal import Store

extension Engine {
    /// The generations of one feature set or of all, sets by name, each set's newest first.
    package func listGenerations(
        _ request: KassaV1.ListGenerationsRequest
    ) throws(EngineError) -> KassaV1.ListGenerationsResponse {
        let base = published.current
        if !request.featureSet.isEmpty { _ = try generations(request.featureSet, in: base) }
        let names =
            request.featureSet.isEmpty ? base.features.sets.keys.sorted() : [request.featureSet]
        let discards = emptier.discards
        var found: [KassaV1.GenerationInfo] = []
        for name in names {
            let generations = base.places.generations(of: name)
            var infos: [KassaV1.GenerationInfo] = []
            if let loading = generations.loading {
                infos.append(try info(loading, .loading, of: name))
            }
            if let serving = generations.serving {
                infos.append(try info(serving, .serving, of: name))
            }
            if let kept = generations.kept { infos.append(try info(kept, .kept, of: name)) }
            for discard in discards where discard.featureSet == name {
                if let generation = discard.generation {
                    infos.append(try info(generation, .discarded, of: name))
                }
            }
            found += infos.sorted { $0.id > $1.id }
        }
        return KassaV1.ListGenerationsResponse(generations: found, epoch: base.epoch)
    }

    /// One generation as the API has it.
    func info(
        _ generation: KassaStorageV1.StoredGeneration, _ state: KassaV1.GenerationState,
        of name: String
    ) throws(EngineError) -> KassaV1.GenerationInfo {
        let progress = try progress(of: name, generation.id)
        let isChecked = generation.checkedRowsLoaded == progress.rowsLoaded
        let table = EngineTables.rowTableName(generation.table)
        var info = KassaV1.GenerationInfo(
            featureSet: name, id: generation.id, state: state,
            createdAtUs: generation.createdAtUs, createdBy: generation.createdBy,
            rowsLoaded: state == .loading ? progress.rowsLoaded : generation.checkedRowsLoaded,
            duplicateKeys: progress.duplicateKeys,
            verdict: state != .loading || isChecked
                ? KassaV1.GenerationVerdict(rawValue: Int32(clamping: generation.verdict))
                : .unchecked,
            table: table)
        if generation.table > 0 {
            do throws(StoreError) {
                info.rows = try environment.statistics().tables.first { $0.name == table }?.entries
            } catch {
                throw EngineError(error)
            }
        }
        return info
    }
}
