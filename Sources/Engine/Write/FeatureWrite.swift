// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features
internal import Store
internal import Synchronization

/// A checked `WriteRequest` on its way through the writer.
final class FeatureWrite: WriteCommand {
    let durability: Durability
    let recordCount: Int
    let byteCount: Int
    private let prepared: PreparedWrite
    private let sequence: UInt64
    private let engine: Engine
    private let completion: @Sendable (WriteResult) -> Void
    /// What the last `apply` came to. Only the writer's thread touches it; the lock is never waited for.
    private let tally = Mutex(WriteTally())

    init(
        _ prepared: PreparedWrite, durability: Durability, sequence: UInt64, engine: Engine,
        completion: @escaping @Sendable (WriteResult) -> Void
    ) {
        self.prepared = prepared
        self.durability = durability
        recordCount = prepared.rowCount
        byteCount = prepared.byteCountEstimate
        self.sequence = sequence
        self.engine = engine
        self.completion = completion
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        // As the set is now: the stored row may be in a layout that is newer than this request.
        let set = engine.published.current.features.sets[prepared.set.name] ?? prepared.set
        let result = try engine.writerMemory.withScratch { scratch throws(StoreError) in
            try prepared.applyAll(
                in: &transaction, engine.tables.rows, of: set, with: &scratch, sequence: sequence)
        }
        tally.withLock { $0 = result }
    }

    /// Answers a write of which there is nothing to commit, because all its rows are refused.
    func answerUnwritten() {
        let tally = WriteTally()
        engine.countWritten(tally, refused: prepared.refusals.count)
        completion(.success(response(tally, durability)))
    }

    func completed(_ outcome: WriteOutcome) {
        switch outcome {
        case .committed(_, let reached):
            let tally = tally.withLock { $0 }
            engine.countWritten(tally, refused: prepared.refusals.count)
            completion(.success(response(tally, reached)))
        case .failed(let error):
            completion(.failure(EngineError(error)))
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
