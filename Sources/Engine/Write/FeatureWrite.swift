// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
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
    private let writeID: WriteID?
    private let receivedAt: Timestamp
    private let sequence: UInt64
    private let engine: Engine
    private let completion: @Sendable (WriteResult) -> Void
    /// What the last `apply` came to. Only the writer's thread touches it; the lock is never waited for.
    private let outcome = Mutex(Outcome.applied(WriteTally()))

    /// What becomes of a write.
    private enum Outcome {
        case applied(WriteTally)
        /// Its id was known: this was answered then.
        case repeated(KassaV1.WriteResponse)
        /// Its id was known for another content.
        case conflict
        /// Its generation takes no rows (any more).
        case refused(EngineError)
    }

    init(
        _ prepared: PreparedWrite, id writeID: WriteID?, generation: UInt64, durability: Durability,
        sequence: UInt64, receivedAt: Timestamp, engine: Engine,
        completion: @escaping @Sendable (WriteResult) -> Void
    ) {
        self.prepared = prepared
        self.generation = generation
        self.writeID = writeID
        self.durability = durability
        self.receivedAt = receivedAt
        recordCount = prepared.rowCount
        byteCount = prepared.byteCountEstimate
        self.sequence = sequence
        self.engine = engine
        self.completion = completion
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        let result = try decide(in: &transaction, sequence: sequence)
        outcome.withLock { $0 = result }
    }

    /// Answers a write of which there is nothing to commit, because all its rows are refused.
    func answerUnwritten() {
        let tally = WriteTally()
        engine.countWritten(tally, refused: prepared.refusals.count)
        completion(.success(response(tally, durability)))
    }

    private func decide(
        in transaction: inout WriteTransaction, sequence: UInt64
    ) throws(StoreError) -> Outcome {
        if generation > 0 {
            do throws(EngineError) {
                let places = engine.published.current.places
                try places.of(prepared.set.name).checkLoading(generation)
            } catch {
                return .refused(error)
            }
        }
        guard let writeID else { return .applied(try merge(in: &transaction, sequence: sequence)) }
        let key = writeID.key
        let decision = writeID.decide(
            try transaction.value(forKey: key.span, in: engine.tables.writeIDs),
            now: receivedAt.microseconds)
        switch decision {
        case .repeated(let response): return .repeated(response)
        case .conflict: return .conflict
        case .new: break
        }
        let tally = try merge(in: &transaction, sequence: sequence)
        let record = writeID.record(response(tally, durability), at: receivedAt.microseconds)
        let expiryKey = writeID.expiryKey(at: receivedAt.microseconds)
        try transaction.put(record.span, forKey: key.span, in: engine.tables.writeIDs)
        try transaction.put([UInt8(0)].span, forKey: expiryKey.span, in: engine.tables.writeIDs)
        return .applied(tally)
    }

    private func merge(
        in transaction: inout WriteTransaction, sequence: UInt64
    ) throws(StoreError) -> WriteTally {
        let configuration = engine.published.current
        // As the set is now: the stored row may be in a layout that is newer than this request.
        let set = configuration.features.sets[prepared.set.name] ?? prepared.set
        let place = configuration.places.of(set.name)
        if let loading = place.loading, loading.id == generation {
            return try load(in: &transaction, loading, set, sequence: sequence)
        }
        // Rows that serve, and those that may serve next. The history is of what was served.
        return try engine.writerMemory.withScratch { scratch throws(StoreError) in
            if let loading = place.loading {
                try engine.liveKeys.note(prepared, in: transaction, loading)
            }
            let tombstones = try tombstones(in: transaction)
            for follower in place.followers {
                let tables = WriteTables(rows: follower, tombstones: tombstones)
                _ = try prepared.applyAll(
                    in: &transaction, tables, of: set, with: &scratch, sequence: sequence)
            }
            let tables = WriteTables(
                rows: place.serving, tombstones: tombstones,
                history: engine.tables.history)
            return try prepared.applyAll(
                in: &transaction, tables, of: set, with: &scratch, sequence: sequence)
        }
    }

    /// The tombstones; nil while nothing is erased, which saves a look-up for each row.
    private func tombstones(
        in transaction: borrowing WriteTransaction
    ) throws(StoreError) -> Table? {
        let table = engine.tables.tombstones
        return try transaction.entryCount(of: table) > 0 ? table : nil
    }

    /// Writes to the generation that is being loaded, and counts with it.
    private func load(
        in transaction: inout WriteTransaction, _ loading: RowPlace.Loading, _ set: FeatureSet,
        sequence: UInt64
    ) throws(StoreError) -> WriteTally {
        let key = ResourceKind.key(ResourceKind.loadProgress, set.name)
        var progress = LoadProgress.decode(
            try transaction.value(forKey: key.span, in: engine.tables.resources), loading.id)
        let tables = WriteTables(
            rows: loading.table, tombstones: try tombstones(in: transaction))
        let result = try engine.writerMemory.withScratch { scratch throws(StoreError) in
            try prepared.loadAll(
                in: &transaction, tables, of: set, with: &scratch, sequence: sequence,
                isLive: { engine.liveKeys.contains($0, of: loading) })
        }
        progress.rowsLoaded += UInt64(prepared.rowCount - prepared.refusals.count)
        progress.duplicateKeys += UInt64(result.duplicateKeys)
        try transaction.put(
            progress.encodedBytes().span, forKey: key.span, in: engine.tables.resources)
        return result.tally
    }

    func completed(_ result: WriteOutcome) {
        switch result {
        case .committed(_, let reached):
            completion(answer(outcome.withLock { $0 }, reached))
        case .failed(let error):
            completion(.failure(EngineError(error)))
        }
    }

    private func answer(_ outcome: Outcome, _ reached: Durability) -> WriteResult {
        switch outcome {
        case .applied(let tally):
            engine.countWritten(tally, refused: prepared.refusals.count)
            return .success(response(tally, reached))
        case .repeated(var response):
            response.sequence = sequence
            // The first one was committed before this group, at the least at this group's level.
            response.reached = reached == .durable ? .durable : response.reached
            return .success(response)
        case .refused(let error):
            return .failure(error)
        case .conflict:
            return .failure(
                EngineError(
                    .alreadyExists, "write_id: another write had it, with other content"))
        }
    }

    private func response(_ tally: WriteTally, _ reached: Durability) -> KassaV1.WriteResponse {
        let refusals = (prepared.refusals + tally.refusals).sorted { $0.row < $1.row }
        return KassaV1.WriteResponse(
            sequence: sequence, applied: UInt32(clamping: tally.applied),
            ignoredOlder: UInt32(clamping: tally.ignoredOlder),
            errors: refusals.map(\.message),
            reached: reached == .durable ? .durable : .fast,
            featureSet: "\(prepared.set.name)@\(prepared.version.number)",
            ignoredErased: UInt32(clamping: tally.ignoredErased))
    }
}
