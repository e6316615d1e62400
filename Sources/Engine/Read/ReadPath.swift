// SPDX-License-Identifier: Apache-2.0

internal import API
package import Base
internal import Features
internal import Store
package import Wire

/// The bounds of one read.
package enum ReadLimits {
    /// Values (entities times features) in one request.
    package static let valuesMax = 1_000_000
    /// Feature sets in one request.
    package static let selectionsMax = 64
    /// Bytes of one reply, as many as stock clients take: names and text make it far longer than
    /// its request.
    package static let replyByteCountMax = 4 << 20
}

/// The read path of `Features.Read`, top to bottom.
extension Worker {
    /// Answers one `ReadRequest`: writes a `ReadResponse` into `writer`.
    ///
    /// All values come from one snapshot of the store.
    ///
    /// - Complexity: O(entities x features).
    package mutating func read(
        _ message: Span<UInt8>, at now: Timestamp, into writer: inout WireWriter
    ) throws(EngineError) {
        let request: KassaV1.ReadRequest
        do throws(WireError) {
            request = try KassaV1.ReadRequest(decoding: message)
        } catch {
            throw EngineError(.malformed, "ReadRequest: \(error)")
        }
        guard !request.selections.isEmpty else {
            throw EngineError(.invalidArgument, "selections: at least one feature set is needed")
        }
        guard request.selections.count <= ReadLimits.selectionsMax else {
            throw EngineError(
                .invalidArgument,
                "selections: more than \(ReadLimits.selectionsMax) in one request")
        }
        let start = writer.bytes.count
        var answer = try gather(request, at: now)
        if answer.unknownLayoutRowCount > 0 {
            // A row was written under a newer configuration than this loop's: move to it.
            begin()
            answer = try gather(request, at: now)
        }
        counters.read(damagedRows: answer.damagedRowCount + answer.unknownLayoutRowCount)
        answer.response.encode(into: &writer)
        guard writer.bytes.count - start <= ReadLimits.replyByteCountMax else {
            throw Self.tooLong("selections")
        }
    }

    private static func tooLong(_ field: String) -> EngineError {
        EngineError(
            .invalidArgument,
            "\(field): the reply would be longer than \(ReadLimits.replyByteCountMax) bytes;"
                + " ask for fewer entities or features")
    }

    /// What a request comes to under one configuration and one snapshot.
    private struct Answer {
        var response: KassaV1.ReadResponse
        var damagedRowCount = 0
        var unknownLayoutRowCount = 0
    }

    /// Looks all selections up.
    private mutating func gather(
        _ request: KassaV1.ReadRequest, at now: Timestamp
    ) throws(EngineError) -> Answer {
        try renewSnapshot()
        let entityCount = request.keys.first?.ids.count ?? 0
        try Self.checkTimes(of: request, entityCount: entityCount)
        var answer = Answer(response: KassaV1.ReadResponse(epoch: configuration.value.epoch))
        var valueCount = 0
        var byteCount = 0
        for (index, selection) in request.selections.enumerated() {
            let field = "selections[\(index)]"
            let (set, version) = try featureSet(selection.featureSet, at: "\(field).feature_set")
            let plan: ReadPlan
            do throws(FieldError) {
                plan = try ReadPlan(set: set, version: version, features: selection.features)
            } catch {
                throw EngineError(error, in: "\(field).")
            }
            do throws(FieldError) {
                try plan.checkTimes(of: request, now: now.microseconds)
            } catch {
                throw EngineError(error)
            }
            let keys: KeyColumns
            do throws(FieldError) {
                keys = try KeyColumns(request.keys, kinds: version.entityKinds)
            } catch {
                throw EngineError(error)
            }
            valueCount += entityCount * plan.valueCount
            guard valueCount <= ReadLimits.valuesMax else {
                throw EngineError(
                    .invalidArgument,
                    "\(field): the request asks for more than \(ReadLimits.valuesMax) values")
            }
            var batch = ReadBatch(plan, capacity: entityCount)
            let table = configuration.value.places.of(set.name).serving
            for entity in 0..<entityCount {
                let time = request.asOfUsEach.isEmpty ? request.asOfUs : request.asOfUsEach[entity]
                try append(
                    entity, keys, set, version, table, at: now, asOf: time, to: &batch)
                // Before the memory is taken, not after.
                guard byteCount + batch.byteCount <= ReadLimits.replyByteCountMax else {
                    throw Self.tooLong(field)
                }
            }
            byteCount += batch.byteCount
            answer.damagedRowCount += batch.damagedRowCount
            answer.unknownLayoutRowCount += batch.unknownLayoutRowCount
            answer.response.featureSets.append(batch.finish())
        }
        return answer
    }

    private static func checkTimes(
        of request: KassaV1.ReadRequest, entityCount: Int
    ) throws(EngineError) {
        guard !request.asOfUsEach.isEmpty else { return }
        guard request.asOfUs == nil else {
            throw EngineError(.invalidArgument, "as_of_us_each: as_of_us is given, too")
        }
        guard request.asOfUsEach.count == entityCount else {
            throw EngineError(.invalidArgument, "as_of_us_each: must be one time for each entity")
        }
    }

    private mutating func append(
        _ entity: Int, _ keys: KeyColumns, _ set: FeatureSet, _ version: FeatureSetVersion,
        _ table: Table, at now: Timestamp, asOf time: Int64?, to batch: inout ReadBatch
    ) throws(EngineError) {
        do throws(FieldError) {
            try keys.build(entity, kindsID: version.kindsID, setID: set.id, into: &key)
        } catch {
            throw EngineError(.invalidArgument, "\(error.field).ids[\(entity)]: \(error.reason)")
        }
        do throws(StoreError) {
            if let time {
                var historyKey = HistoryKey()
                return try batch.append(
                    key.bytes, asOf: time, in: transaction, engine.tables.history,
                    with: &historyKey)
            }
            let row = try transaction.value(forKey: key.bytes, in: table)
            batch.append(row, now: now.microseconds)
        } catch {
            throw EngineError(error)
        }
    }
}
