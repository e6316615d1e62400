// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import Features
internal import Store
internal import Wire

/// What became of a write: the response, or why nothing of it was written.
package typealias WriteResult = Result<KassaV1.WriteResponse, EngineError>

/// The write path of `Features.Write`, top to bottom.
extension Worker {
    /// Checks a `WriteRequest` and queues it for the writer.
    ///
    /// `completion` is called once, on the writer's thread, after the group that holds the write was
    /// committed at the level that was asked for; at once, if every row is refused. All rows of a request become visible together.
    /// A row that breaks a rule is refused by itself and listed in the response.
    ///
    /// - Throws: why the request as a whole is refused; then nothing was queued and `completion` is
    ///   never called. `resourceExhausted` when the writer's queue is full.
    package func write(
        _ message: Span<UInt8>, at now: Timestamp,
        completion: @escaping @Sendable (WriteResult) -> Void
    ) throws(EngineError) {
        let request: KassaV1.WriteRequest
        do throws(WireError) {
            request = try KassaV1.WriteRequest(decoding: message)
        } catch {
            throw EngineError(.malformed, "WriteRequest: \(error)")
        }
        let durability: Durability
        switch request.durability {
        case .fast: durability = .fast
        case .durable: durability = .durable
        default: throw EngineError(.invalidArgument, "durability: must be FAST or DURABLE")
        }
        let (set, version) = try featureSet(request.featureSet, at: "feature_set")
        let prepared: PreparedWrite
        let writeID: WriteID?
        do throws(FieldError) {
            writeID = try WriteID(request)
            prepared = try PreparedWrite(request, to: set, version: version, receivedAt: now)
        } catch {
            throw EngineError(error)
        }
        if request.generation > 0 {
            try configuration.value.places.of(set.name).checkLoading(request.generation)
        }
        let command = FeatureWrite(
            prepared, id: writeID, generation: request.generation, durability: durability,
            sequence: request.sequence, receivedAt: now, engine: engine, completion: completion)
        // One with an id is noted all the same, so that a repetition is known.
        guard prepared.acceptedRowCount > 0 || writeID != nil else {
            return command.answerUnwritten()
        }
        do throws(StoreError) {
            try engine.writer.submit(command)
        } catch {
            throw EngineError(error)
        }
    }

    /// The feature set and version that a request names.
    func featureSet(
        _ name: String, at field: String
    ) throws(EngineError) -> (FeatureSet, FeatureSetVersion) {
        guard let reference = FeatureSetReference(name) else {
            throw EngineError(
                .invalidArgument, "\(field): must be a name, or a name and version as in cart@3")
        }
        guard let (set, version) = configuration.value.features.resolve(reference) else {
            throw EngineError(.notFound, "\(field): there is no such feature set or version")
        }
        return (set, version)
    }
}
