// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Crypto
import Glibc
import Wire

/// A random model over 32 features of float32, the same each time.
struct SyntheticData: ScoreData {
    static let featureCount = 32
    static let uploadChunkBytes = 1 << 20
    static let goldenRowCount = 100

    private(set) var forest: SyntheticForest
    let entityCount: Int
    /// How long windows of drift last; without, models bring no histograms and nothing is watched.
    var driftWindowMilliseconds: UInt64?
    /// Whether the first model reads the features of a set that nobody writes.
    var stableLacksFeatures = false

    init(trees: Int, depth: Int, entityCount: Int) {
        forest = SyntheticForest(
            trees: trees, depth: depth, featureCount: Self.featureCount, seed: 7)
        self.entityCount = entityCount
    }

    /// The same entities with a model that decides the other way round.
    var inverted: SyntheticData {
        var copy = self
        copy.forest = forest.inverted
        return copy
    }

    func name(ofFeature index: Int) -> String { "f\(index)" }

    func id(of entity: Int) -> String { "s-\(entity)" }

    /// The value of one feature of one entity, from -1 to 1.
    func value(_ entity: Int, _ feature: Int) -> Float {
        var generator = SeededGenerator(seed: UInt64(entity * Self.featureCount + feature))
        return .random(in: -1..<1, using: &generator)
    }

    func configure(_ server: ServerAccess) throws {
        let client = server.client
        try apply(client, .featureSet(featureSet))
        if stableLacksFeatures {
            var unwritten = featureSet
            unwritten.name = "unwritten"
            try apply(client, .featureSet(unwritten))
        }
        try upload(client)
        try apply(client, .scorer(scorer))
    }

    var featureSet: KassaV1.FeatureSetSpec {
        KassaV1.FeatureSetSpec(
            name: "bench", version: 1, entity: ["session"],
            features: (0..<Self.featureCount).map {
                KassaV1.FeatureSpec(name: name(ofFeature: $0), type: .float32)
            })
    }

    var scorer: KassaV1.ScorerSpec {
        KassaV1.ScorerSpec(
            name: "bench", model: "bench@1",
            drift: driftWindowMilliseconds.map { KassaV1.DriftSpec(windowMs: $0) })
    }

    /// Of an input, whose values are alike from -1 to 1.
    private func histogram(ofInput input: Int) -> KassaV1.ReferenceHistogram {
        KassaV1.ReferenceHistogram(
            input: UInt32(input), n: 10_000, edges: (0...10).map { Double($0 - 5) / 5 },
            counts: [UInt64](repeating: 1_000, count: 10))
    }

    /// Of the scores of some entities.
    private var scoreHistogram: KassaV1.ReferenceHistogram {
        var counts = [UInt64](repeating: 0, count: 10)
        for entity in 0..<2_000 {
            let row = (0..<Self.featureCount).map { value(entity, $0) }
            counts[min(Int(10 / (1 + exp(-Double(forest.margin(of: row))))), 9)] += 1
        }
        return KassaV1.ReferenceHistogram(
            n: 2_000, edges: (0...10).map { Double($0) / 10 }, counts: counts)
    }

    private func apply(
        _ client: ControlClient, _ resource: KassaV1.Document.Resource
    ) throws {
        let request = KassaV1.ApplyRequest(
            documents: [KassaV1.Document(resource: resource)], actor: "bench", reason: "bench")
        _ = try client.call(
            "/kassa.v1.Config/Apply", [request], reply: KassaV1.ApplyResponse.self)
    }

    /// Lets a second model, with the same answers, answer that share of entities.
    func beginCanary(percent: Double, _ client: ControlClient) throws {
        try uploadCandidate(client)
        try startCanary(percent: percent, client)
    }

    /// Promotes the second model, with that share of entities scored by the first one too.
    func beginAftercare(percent: Double, _ client: ControlClient) throws {
        try uploadCandidate(client)
        let canary = KassaV1.CanaryRequest(
            scorer: "bench", model: "bench@2", weightPercent: 1, actor: "bench", reason: "bench",
            guard: KassaV1.GuardPolicy(watchSharePercent: percent))
        _ = try client.call(
            "/kassa.v1.Rollouts/Canary", [canary], reply: KassaV1.RolloutResponse.self)
        _ = try client.call(
            "/kassa.v1.Rollouts/Promote",
            [KassaV1.PromoteRequest(scorer: "bench", full: true, actor: "bench")],
            reply: KassaV1.RolloutResponse.self)
    }

    func uploadCandidate(_ client: ControlClient) throws {
        try upload(client, version: 2, goldenRowCount: Self.goldenRowCount - 1)
    }

    /// Uploads bench@3, which decides the other way round.
    func uploadBadCandidate(_ client: ControlClient) throws {
        try inverted.upload(client, version: 3)
    }

    /// Throws if no canary is open, or none of its requests was judged.
    func expectCanary(_ client: ControlClient) throws {
        try expectRollout(.phaseCanary, client)
    }

    /// Throws if no rollout is in that phase, or none of its requests was judged.
    func expectRollout(_ phase: KassaV1.RolloutPhase, _ client: ControlClient) throws {
        let status: KassaV1.RolloutStatus = try client.call(
            "/kassa.v1.Rollouts/Status", [KassaV1.RolloutStatusRequest(scorer: "bench")])
        guard status.rollout?.phase == phase, status.guard?.pairs ?? 0 > 100 else {
            throw BenchError(
                "the candidate is \(status.rollout?.phase.name ?? "gone"), "
                    + "\(status.guard?.pairs ?? 0) pairs, \(status.guard?.verdict ?? ""), "
                    + (status.guard?.counts ?? []).map {
                        "\($0.name) \($0.stable)/\($0.candidate)"
                    }.joined(separator: ", "))
        }
    }

    /// Features by whose absence STABLE fell back while a canary is open, which is told to nobody else.
    func causes(_ client: ControlClient) throws -> Int {
        let status: KassaV1.RolloutStatus = try client.call(
            "/kassa.v1.Rollouts/Status", [KassaV1.RolloutStatusRequest(scorer: "bench")])
        return (status.guard?.causes ?? []).count { $0.event == "fallbacks" && !$0.candidate }
    }

    func endCanary(_ client: ControlClient) throws {
        let request = KassaV1.AbortRequest(scorer: "bench", actor: "bench", reason: "bench")
        _ = try client.call(
            "/kassa.v1.Rollouts/Abort", [request], reply: KassaV1.RolloutResponse.self)
    }

    func startCanary(
        of model: String = "bench@2", percent: Double, _ client: ControlClient
    ) throws {
        let request = KassaV1.CanaryRequest(
            scorer: "bench", model: model, weightPercent: percent, actor: "bench",
            reason: "bench",
            // Nobody decides anything by scores of nothing.
            guard: stableLacksFeatures ? KassaV1.GuardPolicy(decisionThreshold: 1) : nil)
        _ = try client.call(
            "/kassa.v1.Rollouts/Canary", [request], reply: KassaV1.RolloutResponse.self)
    }

    func startShadow(_ client: ControlClient) throws {
        let request = KassaV1.ShadowRequest(
            scorer: "bench", model: "bench@2", actor: "bench", reason: "bench")
        _ = try client.call(
            "/kassa.v1.Rollouts/Shadow", [request], reply: KassaV1.RolloutResponse.self)
    }

    /// Gives the candidate everything.
    func promote(_ client: ControlClient) throws {
        let request = KassaV1.PromoteRequest(
            scorer: "bench", full: true, actor: "bench", reason: "bench")
        _ = try client.call(
            "/kassa.v1.Rollouts/Promote", [request], reply: KassaV1.RolloutResponse.self)
    }

    /// Full windows of the scorer's features so far.
    func driftWindows(_ client: ControlClient) throws -> UInt64 {
        try client.call(
            "/kassa.v1.Rollouts/Drift", [KassaV1.DriftRequest(scorer: "bench")],
            reply: KassaV1.DriftReport.self
        ).slots.map(\.windows).max() ?? 0
    }

    private func upload(
        _ client: ControlClient, version: UInt32 = 1, goldenRowCount: Int = goldenRowCount
    ) throws {
        let (spec, artefact) = bundle(version: version, goldenRowCount: goldenRowCount)
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

    /// The model's spec, and its artefact.
    func bundle(
        version: UInt32 = 1, goldenRowCount: Int = goldenRowCount
    ) -> (KassaV1.ModelSpec, [UInt8]) {
        let artefact = forest.json
        let set = version == 1 && stableLacksFeatures ? "unwritten@1" : "bench@1"
        var spec = KassaV1.ModelSpec(
            name: "bench", version: version, format: .xgboostJson,
            sha256: SHA256.digest(of: artefact.span), byteCount: UInt64(artefact.count),
            inputs: (0..<Self.featureCount).map {
                KassaV1.ModelInput(featureSet: set, feature: name(ofFeature: $0))
            },
            golden: (0..<goldenRowCount).map { entity in
                let row = (0..<Self.featureCount).map { value(entity, $0) }
                // Both add float32, but in another order.
                return KassaV1.GoldenRow(
                    row: row, margin: Double(forest.margin(of: row)), tolerance: 1e-4)
            })
        if driftWindowMilliseconds != nil {
            spec.histograms = (0..<Self.featureCount).map { histogram(ofInput: $0) }
            spec.scoreHistogram = scoreHistogram
        }
        return (spec, artefact)
    }

    func load(_ client: ControlClient) throws {
        for entities in batches {
            let columns = (0..<Self.featureCount).map { feature in
                KassaV1.Column(
                    name: name(ofFeature: feature),
                    values: .floats(
                        KassaV1.FloatValues(values: entities.map { value($0, feature) })))
            }
            let keys = [KassaV1.KeyColumn(kind: "session", ids: entities.map(id))]
            try write("bench@1", keys, columns, client)
        }
    }

    func request(_ entity: Int) -> KassaV1.ScoreRequest {
        KassaV1.ScoreRequest(
            scorer: "bench", entities: [KassaV1.EntityKey(kind: "session", id: id(of: entity))])
    }

    /// Compares the scores of some entities with a walk of our own.
    func verify(_ client: ControlClient) throws {
        for entity in sample(200) {
            let reply = try score(entity, client)
            let row = (0..<Self.featureCount).map { value(entity, $0) }
            let expected = 1 / (1 + exp(-Double(forest.margin(of: row))))
            guard abs(reply.score - expected) < 1e-5, reply.degraded.isEmpty else {
                throw BenchError("entity \(entity): score \(reply.score) instead of \(expected)")
            }
        }
    }
}
