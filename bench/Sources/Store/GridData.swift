// SPDX-License-Identifier: Apache-2.0

import API
import Base

/// Feast's grid: many feature sets of ten float32 features each, keyed by the same entity.
struct GridData {
    static let featureCount = 10
    /// Bytes of such a row in Kassa, about: a header, presence and the values.
    static let rowBytes = 80

    let setCount: Int
    let entityCount: Int

    private func value(_ set: Int, _ entity: Int, _ feature: Int) -> Float {
        Float((entity * 31 + set * 7 + feature) % 10_007)
    }

    func configure(_ client: ControlClient) throws {
        let documents = (0..<setCount).map { set in
            var spec = KassaV1.FeatureSetSpec(name: "grid\(set)", version: 1, entity: ["session"])
            spec.features = (0..<Self.featureCount).map {
                KassaV1.FeatureSpec(name: "g\($0)", type: .float32)
            }
            return KassaV1.Document(resource: .featureSet(spec))
        }
        let request = KassaV1.ApplyRequest(documents: documents, actor: "bench", reason: "bench")
        _ = try client.call(
            "/kassa.v1.Config/Apply", [request], reply: KassaV1.ApplyResponse.self)
    }

    func load(_ client: ControlClient) throws {
        for set in 0..<setCount {
            for start in stride(from: 0, to: entityCount, by: 10_000) {
                let entities = start..<min(start + 10_000, entityCount)
                let request = KassaV1.WriteRequest(
                    featureSet: "grid\(set)@1",
                    keys: [KassaV1.KeyColumn(kind: "session", ids: entities.map { "s-\($0)" })],
                    columns: (0..<Self.featureCount).map { feature in
                        KassaV1.Column(
                            name: "g\(feature)",
                            values: .floats(
                                KassaV1.FloatValues(
                                    values: entities.map { value(set, $0, feature) })))
                    })
                let reply: KassaV1.WriteResponse = try client.call(writePath, [request])
                guard Int(reply.applied) == entities.count else {
                    throw BenchError("\(reply.applied) of \(entities.count) rows were applied")
                }
            }
        }
    }

    /// Reads of `batch` random entities from the first `sets` feature sets.
    func requests(sets: Int, batch: Int) -> RequestTable {
        let count = max(16, min(20_000, 200_000 / batch))
        var table = RequestTable(byteCount: count * batch * 12)
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<count {
            let entities = (0..<batch).map { _ in
                Int.random(in: 0..<entityCount, using: &generator)
            }
            table.add { writer in request(sets: sets, entities).encode(into: &writer) }
        }
        return table
    }

    private func request(sets: Int, _ entities: [Int]) -> KassaV1.ReadRequest {
        KassaV1.ReadRequest(
            keys: [KassaV1.KeyColumn(kind: "session", ids: entities.map { "s-\($0)" })],
            selections: (0..<sets).map { KassaV1.FeatureSelection(featureSet: "grid\($0)@1") })
    }

    /// Throws if the server reads other values than were written.
    func verify(_ client: ControlClient) throws {
        let entities = (0..<100).map { $0 * (entityCount / 100) }
        let reply: KassaV1.ReadResponse = try client.call(
            readPath, [request(sets: setCount, entities)])
        for (set, values) in reply.featureSets.enumerated() {
            for (feature, column) in values.columns.enumerated() {
                guard case .floats(let floats)? = column.values,
                    floats.values == entities.map({ value(set, $0, feature) })
                else { throw BenchError("grid\(set): feature \(feature) has other values") }
            }
        }
        guard reply.featureSets.count == setCount,
            reply.featureSets.allSatisfy({ $0.columns.count == Self.featureCount })
        else { throw BenchError("the grid has other columns") }
    }
}
