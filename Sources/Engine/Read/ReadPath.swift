// SPDX-License-Identifier: Apache-2.0

internal import API
package import Base
internal import Features
internal import Store
package import Wire

/// The bounds of one read.
package enum ReadLimits {
    /// Entities in one request.
    package static let entitiesMax = 10_000
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
        let entityCount = try entityCount(of: request)
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
            do throws(ReadPlanError) {
                plan = try ReadPlan(set: set, version: version, features: selection.features)
            } catch {
                throw EngineError(.invalidArgument, "\(field).\(error.field): \(error.reason)")
            }
            let featureCount =
                selection.features.isEmpty ? version.features.count : selection.features.count
            valueCount += entityCount * featureCount
            guard valueCount <= ReadLimits.valuesMax else {
                throw EngineError(
                    .invalidArgument,
                    "\(field): the request asks for more than \(ReadLimits.valuesMax) values")
            }
            let columns = try keyColumns(of: version, in: request, at: field)
            var batch = ReadBatch(plan, capacity: entityCount)
            for entity in 0..<entityCount {
                try append(entity, columns, set, version, at: now, to: &batch)
            }
            counters.read(damagedRows: batch.damagedRowCount)
            response.featureSets.append(batch.finish())
        }
        response.encode(into: &writer)
    }

    /// How many entities the key columns name, all of them the same number.
    private func entityCount(of request: KassaV1.ReadRequest) throws(EngineError) -> Int {
        guard let count = request.keys.first?.ids.count, count > 0 else {
            throw EngineError(.invalidArgument, "keys: at least one id is needed")
        }
        guard count <= ReadLimits.entitiesMax else {
            throw EngineError(
                .invalidArgument, "keys: more than \(ReadLimits.entitiesMax) ids in one request")
        }
        for (index, column) in request.keys.enumerated() {
            guard column.ids.count == count else {
                throw EngineError(
                    .invalidArgument,
                    "keys[\(index)].ids: every kind must have the same number of ids")
            }
            guard !request.keys[..<index].contains(where: { $0.kind == column.kind }) else {
                throw EngineError(.invalidArgument, "keys[\(index)].kind: it was given before")
            }
        }
        return count
    }

    /// The ids of each entity kind of the version's key.
    private func keyColumns(
        of version: FeatureSetVersion, in request: KassaV1.ReadRequest, at field: String
    ) throws(EngineError) -> [[String]] {
        var columns: [[String]] = []
        for kind in version.entityKinds {
            guard let column = request.keys.first(where: { $0.kind == kind }) else {
                throw EngineError(
                    .invalidArgument, "keys: \(field).feature_set needs ids of kind \(kind)")
            }
            columns.append(column.ids)
        }
        return columns
    }

    private mutating func append(
        _ entity: Int, _ columns: [[String]], _ set: FeatureSet, _ version: FeatureSetVersion,
        at now: Timestamp, to batch: inout ReadBatch
    ) throws(EngineError) {
        do throws(RowKeyError) {
            key.start(kindsID: version.kindsID)
            for column in columns { try key.append(column[entity]) }
            try key.finish(setID: set.id)
        } catch {
            throw EngineError(.invalidArgument, "keys: id \(entity) \(error.reason)")
        }
        do throws(StoreError) {
            let row = try transaction.value(forKey: key.bytes, in: engine.tables.rows)
            batch.append(row, now: now.microseconds)
        } catch {
            throw EngineError(error)
        }
    }
}
