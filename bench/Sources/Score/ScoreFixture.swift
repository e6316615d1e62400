// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Crypto
import Glibc
import Wire

/// The data that the Score bench asks about: a feature set, a model, a scorer and rows.
struct ScoreFixture {
    static let path = "/kassa.v1.Scoring/Score"
    static let featureCount = 32
    static let rowsPerWrite = 10_000
    static let uploadChunkBytes = 1 << 20

    let forest: SyntheticForest
    let entityCount: Int

    init(trees: Int, depth: Int, entityCount: Int) {
        forest = SyntheticForest(
            trees: trees, depth: depth, featureCount: Self.featureCount, seed: 7)
        self.entityCount = entityCount
    }

    private func name(ofFeature index: Int) -> String { "f\(index)" }

    private func id(of entity: Int) -> String { "s-\(entity)" }

    /// The value of one feature of one entity, from -1 to 1.
    private func value(_ entity: Int, _ feature: Int) -> Float {
        var generator = SeededGenerator(seed: UInt64(entity * Self.featureCount + feature))
        return .random(in: -1..<1, using: &generator)
    }

    /// Gives a fresh server the feature set, the model and the scorer.
    func configure(_ client: ControlClient) throws {
        var set = KassaV1.FeatureSetSpec(name: "bench", version: 1, entity: ["session"])
        set.features = (0..<Self.featureCount).map {
            KassaV1.FeatureSpec(name: name(ofFeature: $0), type: .float32)
        }
        try apply(client, .featureSet(set))
        try upload(client)
        try apply(client, .scorer(KassaV1.ScorerSpec(name: "bench", model: "bench@1")))
    }

    private func apply(
        _ client: ControlClient, _ resource: KassaV1.Document.Resource
    ) throws {
        let request = KassaV1.ApplyRequest(
            documents: [KassaV1.Document(resource: resource)], actor: "bench", reason: "bench")
        _ = try client.call(
            "/kassa.v1.Config/Apply", [request], reply: KassaV1.ApplyResponse.self)
    }

    private func upload(_ client: ControlClient) throws {
        let artefact = forest.json
        let spec = KassaV1.ModelSpec(
            name: "bench", version: 1, format: .xgboostJson,
            sha256: SHA256.digest(of: artefact.span), byteCount: UInt64(artefact.count),
            inputs: (0..<Self.featureCount).map {
                KassaV1.ModelInput(featureSet: "bench@1", feature: name(ofFeature: $0))
            })
        let chunks = stride(from: 0, to: artefact.count, by: Self.uploadChunkBytes).map { start in
            let end = min(start + Self.uploadChunkBytes, artefact.count)
            return KassaV1.UploadRequest(part: .chunk(Array(artefact[start..<end])))
        }
        let reply = try client.call(
            "/kassa.v1.Models/Upload", [KassaV1.UploadRequest(part: .spec(spec))] + chunks,
            reply: KassaV1.UploadResponse.self)
        guard reply.model?.trees == UInt32(forest.treeCount) else {
            throw BenchError("the server sees \(reply.model?.trees ?? 0) trees")
        }
    }

    /// Writes the rows of all entities; returns how many seconds that took.
    func load(_ client: ControlClient) throws -> Double {
        let start = MonotonicTime.now()
        for first in stride(from: 0, to: entityCount, by: Self.rowsPerWrite) {
            let entities = first..<min(first + Self.rowsPerWrite, entityCount)
            let columns = (0..<Self.featureCount).map { feature in
                KassaV1.Column(
                    name: name(ofFeature: feature),
                    values: .floats(
                        KassaV1.FloatValues(values: entities.map { value($0, feature) })))
            }
            let request = KassaV1.WriteRequest(
                featureSet: "bench@1",
                keys: [KassaV1.KeyColumn(kind: "session", ids: entities.map(id))],
                columns: columns)
            let reply = try client.call(
                "/kassa.v1.Features/Write", [request], reply: KassaV1.WriteResponse.self)
            guard reply.errors.isEmpty, Int(reply.applied) == entities.count else {
                throw BenchError("\(reply.applied) of \(entities.count) rows were applied")
            }
        }
        return Double(MonotonicTime.now().nanoseconds(since: start)) / 1e9
    }

    private func request(_ entity: Int) -> KassaV1.ScoreRequest {
        KassaV1.ScoreRequest(
            scorer: "bench", entities: [KassaV1.EntityKey(kind: "session", id: id(of: entity))])
    }

    /// A request for every entity.
    func requests() -> RequestTable {
        var table = RequestTable(byteCount: entityCount * 40)
        for entity in 0..<entityCount {
            table.add { writer in request(entity).encode(into: &writer) }
        }
        return table
    }

    /// One Score request with its gRPC prefix, as h2load sends it.
    var framedRequest: [UInt8] {
        var writer = WireWriter()
        writer.prefixed(request(entityCount / 2))
        return writer.bytes.indices.map { writer.bytes[$0] }
    }

    /// Compares the server's scores of some entities with a walk of our own.
    ///
    /// A server that answers fast and wrong must not get a number.
    func verify(_ client: ControlClient, count: Int = 200) throws {
        for index in 0..<min(count, entityCount) {
            let entity = index * entityCount / min(count, entityCount)
            let reply = try client.call(
                Self.path, [request(entity)], reply: KassaV1.ScoreResponse.self)
            let row = (0..<Self.featureCount).map { value(entity, $0) }
            let expected = 1 / (1 + exp(-Double(forest.margin(of: row))))
            guard abs(reply.score - expected) < 1e-5, reply.degraded.isEmpty else {
                throw BenchError("entity \(entity): score \(reply.score) instead of \(expected)")
            }
        }
    }
}
