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
        let entityCount = request.keys.first?.ids.count ?? 0
        guard !request.selections.isEmpty else {
            throw EngineError(.invalidArgument, "selections: at least one feature set is needed")
        }
        try renewSnapshot()
        var response = KassaV1.ReadResponse(epoch: configuration.value.epoch)
        var valueCount = 0
        for (index, selection) in request.selections.enumerated() {
            let field = "selections[\(index)]"
            let (set, version) = try featureSet(selection.featureSet, at: "\(field).feature_set")
            let plan: ReadPlan
            let keys: KeyColumns
            do throws(FieldError) {
                plan = try ReadPlan(set: set, version: version, features: selection.features)
                keys = try KeyColumns(request.keys, kinds: version.entityKinds)
            } catch {
                throw EngineError(error, in: "\(field): ")
            }
            valueCount += entityCount * plan.valueCount
            guard valueCount <= ReadLimits.valuesMax else {
                throw EngineError(
                    .invalidArgument,
                    "\(field): the request asks for more than \(ReadLimits.valuesMax) values")
            }
            var batch = ReadBatch(plan, capacity: entityCount)
            for entity in 0..<entityCount {
                try append(entity, keys, set, version, at: now, to: &batch)
            }
            counters.read(damagedRows: batch.damagedRowCount + batch.unknownLayoutRowCount)
            response.featureSets.append(batch.finish())
        }
        response.encode(into: &writer)
    }

    private mutating func append(
        _ entity: Int, _ keys: KeyColumns, _ set: FeatureSet, _ version: FeatureSetVersion,
        at now: Timestamp, to batch: inout ReadBatch
    ) throws(EngineError) {
        do throws(FieldError) {
            try keys.build(entity, kindsID: version.kindsID, setID: set.id, into: &key)
        } catch {
            throw EngineError(error)
        }
        do throws(StoreError) {
            let row = try transaction.value(forKey: key.bytes, in: engine.tables.rows)
            batch.append(row, now: now.microseconds)
        } catch {
            throw EngineError(error)
        }
    }
}
