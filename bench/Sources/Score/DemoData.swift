// SPDX-License-Identifier: Apache-2.0

import API
import Base

/// The demo's model, trained on simulated shoppers: 27 inputs of four types from two feature sets.
///
/// Its documents are brought in by the command line, as a person would. The rows are random values of
/// the right types and categories, so that all of the model's branches are taken.
struct DemoData: ScoreData {
    let folder: String
    let entityCount: Int
    private var sets: [KassaV1.FeatureSetSpec] = []
    private var inputs: [KassaV1.ModelInput] = []

    init(folder: String, entityCount: Int) {
        self.folder = folder
        self.entityCount = entityCount
    }

    mutating func configure(_ server: ServerAccess) throws {
        try run(["apply", "-f", "checkout.yaml"], server)
        try run(["model", "upload", "abandonment.model.yaml"], server)
        try run(["apply", "-f", "scorer.yaml"], server)
        let model: KassaV1.GetModelResponse = try server.client.call(
            "/kassa.v1.Models/Get", [KassaV1.GetModelRequest(model: "abandonment")])
        inputs = model.model?.spec?.inputs ?? []
        for name in Set(inputs.map(\.featureSet)).sorted() {
            let reply: KassaV1.GetResponse = try server.client.call(
                "/kassa.v1.Config/Get", [KassaV1.GetRequest(kind: "feature_set", name: name)])
            guard case .featureSet(let set)? = reply.document?.resource else {
                throw BenchError("no feature set \(name)")
            }
            sets.append(set)
        }
        guard !sets.isEmpty else { throw BenchError("the demo's model has no inputs") }
    }

    private func run(_ words: [String], _ server: ServerAccess) throws {
        let log = "/dev/null"
        var words = words
        words[words.count - 1] = "\(folder)/\(words[words.count - 1])"
        let child = try ChildProcess(
            [server.program] + words + ["--server", "127.0.0.1:\(server.port)"],
            core: Machine.clientCore, log: log)
        guard child.waitForSuccess(seconds: 60) else {
            throw BenchError("kassa \(words.joined(separator: " ")) failed")
        }
    }

    func load(_ client: ControlClient) throws {
        var generator = SeededGenerator(seed: 11)
        for set in sets {
            for entities in batches {
                let keys = set.entity.map { kind in
                    KassaV1.KeyColumn(kind: kind, ids: entities.map { "\(kind)-\($0)" })
                }
                let columns = try set.features.map { feature in
                    KassaV1.Column(
                        name: feature.name,
                        values: try values(entities.count, of: feature, in: set, &generator))
                }
                try write("\(set.name)@\(set.version)", keys, columns, client)
            }
        }
    }

    private func values(
        _ count: Int, of feature: KassaV1.FeatureSpec, in set: KassaV1.FeatureSetSpec,
        _ generator: inout SeededGenerator
    ) throws -> KassaV1.Column.Values {
        switch feature.type {
        case .float32:
            return .floats(
                KassaV1.FloatValues(
                    values: (0..<count).map { _ in .random(in: 0..<300, using: &generator) }))
        case .int64:
            return .integers(
                KassaV1.IntegerValues(
                    values: (0..<count).map { _ in .random(in: 0..<24, using: &generator) }))
        case .bool:
            return .flags(
                KassaV1.FlagValues(
                    values: (0..<count).map { _ in .random(using: &generator) }))
        case .string:
            let input = inputs.first {
                $0.feature == feature.name && $0.featureSet == "\(set.name)@\(set.version)"
            }
            let categories = input?.categories ?? []
            guard !categories.isEmpty else { fallthrough }
            return .texts(
                KassaV1.TextValues(
                    values: (0..<count).map { _ in
                        categories[.random(in: 0..<categories.count, using: &generator)]
                    }))
        default:
            throw BenchError("no values for \(feature.name), which is a \(feature.type.name)")
        }
    }

    func request(_ entity: Int) -> KassaV1.ScoreRequest {
        KassaV1.ScoreRequest(
            scorer: "cart_abandonment",
            entities: ["session", "customer"].map {
                KassaV1.EntityKey(kind: $0, id: "\($0)-\(entity)")
            })
    }

    /// The demo's own golden rows prove the model; here it is enough that every value was found and
    /// that scores are probabilities that differ.
    func verify(_ client: ControlClient) throws {
        var scores: Set<Double> = []
        for entity in sample(200) {
            let reply = try score(entity, client)
            guard reply.degraded.isEmpty, reply.score > 0, reply.score < 1 else {
                throw BenchError("entity \(entity): \(reply)")
            }
            scores.insert(reply.score)
        }
        guard scores.count > sample(200).count / 2 else {
            throw BenchError("only \(scores.count) different scores")
        }
    }
}
