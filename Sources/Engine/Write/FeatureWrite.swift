// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features
internal import Store
internal import Synchronization
internal import Wire

/// A checked `WriteRequest` on its way through the writer.
final class FeatureWrite: WriteCommand {
    let durability: Durability
    let recordCount: Int
    let byteCount: Int
    private let prepared: PreparedWrite
    /// The generation that is being loaded; 0 for the live rows.
    private let generation: UInt64
    private let sequence: UInt64
    private let engine: Engine
    private let completion: @Sendable (WriteResult) -> Void
    /// What the last `apply` came to. Only the writer's thread touches it; the lock is never waited for.
    private let tally = Mutex(WriteTally())
    private let refusal = Mutex<EngineError?>(nil)

    init(
        _ prepared: PreparedWrite, generation: UInt64 = 0, durability: Durability, sequence: UInt64,
        engine: Engine,
        completion: @escaping @Sendable (WriteResult) -> Void
    ) {
        self.prepared = prepared
        self.generation = generation
        self.durability = durability
        recordCount = prepared.rowCount
        byteCount = prepared.byteCountEstimate
        self.sequence = sequence
        self.engine = engine
        self.completion = completion
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        let configuration = engine.published.current
        // As the set is now: the stored row may be in a layout that is newer than this request.
        let set = configuration.features.sets[prepared.set.name] ?? prepared.set
        let place = configuration.places.of(set.name)
        let result =
            generation > 0
            ? try load(in: &transaction, place, set, sequence: sequence)
            : try write(in: &transaction, place, set, sequence: sequence)
        tally.withLock { $0 = result }
    }

    /// Writes to the rows that serve, and to those that may serve next.
    private func write(
        in transaction: inout WriteTransaction, _ place: RowPlace, _ set: FeatureSet,
        sequence: UInt64
    ) throws(StoreError) -> WriteTally {
        try engine.writerMemory.withScratch { scratch throws(StoreError) in
            if let loading = place.loading {
                try engine.liveKeys.note(prepared, in: transaction, loading)
            }
            for follower in place.followers {
                _ = try prepared.applyAll(
                    in: &transaction, follower, of: set, with: &scratch, sequence: sequence)
            }
            return try prepared.applyAll(
                in: &transaction, place.serving, of: set, with: &scratch, sequence: sequence)
        }
    }

    /// Writes to the generation that is being loaded, and counts with it.
    private func load(
        in transaction: inout WriteTransaction, _ place: RowPlace, _ set: FeatureSet,
        sequence: UInt64
    ) throws(StoreError) -> WriteTally {
        do throws(EngineError) {
            try place.checkLoading(generation)
        } catch {
            refusal.withLock { $0 = error }
            throw .rejected
        }
        guard let loading = place.loading else { throw .rejected }
        let key = ResourceKind.key(ResourceKind.loadProgress, set.name)
        var progress = LoadProgress.decode(
            try transaction.value(forKey: key.span, in: engine.tables.resources), generation)
        let result = try engine.writerMemory.withScratch { scratch throws(StoreError) in
            try prepared.loadAll(
                in: &transaction, loading.table, of: set, with: &scratch, sequence: sequence,
                isLive: { engine.liveKeys.contains($0, of: loading) })
        }
        progress.rowsLoaded += UInt64(prepared.rowCount - prepared.refusals.count)
        progress.duplicateKeys += UInt64(result.duplicateKeys)
        try transaction.put(
            progress.encodedBytes().span, forKey: key.span, in: engine.tables.resources)
        return result.tally
    }

    func completed(_ outcome: WriteOutcome) {
        switch outcome {
        case .committed(_, let reached):
            let tally = tally.withLock { $0 }
            engine.countWritten(tally, refused: prepared.refusals.count)
            completion(.success(response(tally, reached)))
        case .failed(let error):
            completion(.failure(refusal.withLock { $0 } ?? EngineError(error)))
        }
    }

    private func response(_ tally: WriteTally, _ reached: Durability) -> KassaV1.WriteResponse {
        let refusals = (prepared.refusals + tally.refusals).sorted { $0.row < $1.row }
        return KassaV1.WriteResponse(
            sequence: sequence, applied: UInt32(clamping: tally.applied),
            ignoredOlder: UInt32(clamping: tally.ignoredOlder),
            errors: refusals.map(\.message),
            reached: reached == .durable ? .durable : .fast,
            featureSet: "\(prepared.set.name)@\(prepared.version.number)")
    }
}
