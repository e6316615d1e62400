// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Crypto
import Engine
import Files
import Glibc
import Synchronization
import Testing
import Wire

/// A folder that is removed with everything in it when the test ends.
final class TemporaryFolder: Sendable {
    let path = "/tmp/kassa-engine-\(getpid())-\(UInt32.random(in: 0 ... .max))"

    deinit {
        for folder in ["\(path)/bundles", path] {
            for name in (try? Files.names(in: folder)) ?? [] {
                try? Files.remove("\(folder)/\(name)")
            }
            _ = unsafe rmdir(folder)
        }
    }

    /// What a kill -9 at this moment leaves: everything that was written, synced or not.
    func leftBehind() throws -> TemporaryFolder {
        let copy = TemporaryFolder()
        for folder in ["", "/bundles"] {
            try Files.makeFolder(copy.path + folder)
            for name in try Files.names(in: path + folder) where name != "bundles" {
                // Closing another file of the locks' would let go of them.
                guard !name.hasPrefix("lock") else { continue }
                let bytes = try Files.read("\(path)\(folder)/\(name)", byteCountMax: 1 << 30)
                try Files.write(bytes.span, to: "\(copy.path)\(folder)/\(name)")
            }
        }
        return copy
    }

    /// Opens an engine in the folder for the length of `body`, as a process would.
    func withEngine<Result>(_ body: (Engine, inout Worker) throws -> Result) throws -> Result {
        let engine = try Engine(folder: path, loopCount: 1, mapBytes: 1 << 30)
        defer { engine.stop() }
        var worker = try Worker(engine: engine, loop: 0)
        return try body(engine, &worker)
    }
}

extension Engine {
    /// Applies documents now.
    @discardableResult
    func apply(
        _ resources: [KassaV1.Document.Resource], expectedEpoch: UInt64? = nil, dryRun: Bool = false
    ) throws -> KassaV1.ApplyResponse {
        try apply(
            KassaV1.ApplyRequest(
                documents: resources.map { KassaV1.Document(resource: $0) },
                expectedEpoch: expectedEpoch, dryRun: dryRun, actor: "test", reason: "a test"),
            at: .now())
    }

    /// Uploads a stump over `cart@1.items`: 0.25 below the threshold, -0.25 from it on.
    @discardableResult
    func uploadStump(
        threshold: Float = 3, name: String = "stump", version: UInt32 = 0,
        feature: String = "items",
        actor: String = "", reason: String = "",
        _ change: (inout KassaV1.ModelSpec) -> Void = { _ in }
    ) throws -> KassaV1.UploadResponse {
        let artefact = Array(stump(threshold: threshold).utf8)
        var spec = KassaV1.ModelSpec(
            name: name, version: version, format: .xgboostJson,
            sha256: SHA256.digest(of: artefact.span), byteCount: UInt64(artefact.count),
            inputs: [KassaV1.ModelInput(featureSet: "cart@1", feature: feature)],
            golden: stumpGolden(threshold: threshold))
        change(&spec)
        return try upload(spec, artefact: artefact, actor: actor, reason: reason, at: .now())
    }
}

extension Engine {
    /// Takes a model to STABLE of the scorer `abandonment`.
    func promote(_ model: String) throws {
        _ = try shadow(
            KassaV1.ShadowRequest(scorer: "abandonment", model: model), at: .now())
        _ = try promote(KassaV1.PromoteRequest(scorer: "abandonment", full: true), at: .now())
    }
}

/// Golden rows of a stump on both sides of its threshold.
func stumpGolden(threshold: Float = 3) -> [KassaV1.GoldenRow] {
    [
        KassaV1.GoldenRow(row: [threshold - 1], margin: 0.25),
        KassaV1.GoldenRow(row: [threshold], margin: -0.25),
    ]
}

/// An XGBoost file with one split, base score 0.5 and the objective binary:logistic.
func stump(threshold: Float) -> String {
    """
    {"learner":{"attributes":{},"feature_names":[],"feature_types":[],"gradient_booster":{"model":{
    "gbtree_model_param":{"num_parallel_tree":"1","num_trees":"1"},"tree_info":[0],"trees":[{
    "base_weights":[0,0,0],"categories":[],"categories_nodes":[],"categories_segments":[],
    "categories_sizes":[],"default_left":[1,0,0],"id":0,"left_children":[1,-1,-1],
    "loss_changes":[1,0,0],"parents":[2147483647,0,0],"right_children":[2,-1,-1],
    "split_conditions":[\(threshold),0.25,-0.25],"split_indices":[0,0,0],"split_type":[0,0,0],
    "sum_hessian":[2,1,1],"tree_param":{"num_deleted":"0","num_feature":"1","num_nodes":"3",
    "size_leaf_vector":"1"}}]},"name":"gbtree"},"learner_model_param":{"base_score":"5E-1",
    "boost_from_average":"1","num_class":"0","num_feature":"1","num_target":"1"},
    "objective":{"name":"binary:logistic","reg_loss_param":{"scale_pos_weight":"1"}}},
    "version":[2,1,4]}
    """
}

/// The feature set `cart@1`.
let cart = KassaV1.Document.Resource.featureSet(
    KassaV1.FeatureSetSpec(
        name: "cart", version: 1, entity: ["session"],
        features: [
            KassaV1.FeatureSpec(name: "items", type: .int64),
            KassaV1.FeatureSpec(name: "device", type: .string),
        ]))

/// The scorer `abandonment` over a model.
func scorer(_ model: String) -> KassaV1.Document.Resource {
    .scorer(KassaV1.ScorerSpec(name: "abandonment", model: model))
}

extension Worker {
    /// Writes items of one session and waits for the acknowledgement.
    mutating func write(items: Int64, session: String, set: String = "cart@1") throws {
        let request = KassaV1.WriteRequest(
            featureSet: set, keys: [KassaV1.KeyColumn(kind: "session", ids: [session])],
            columns: [
                KassaV1.Column(
                    name: "items", values: .integers(KassaV1.IntegerValues(values: [items])))
            ],
            durability: .durable)
        #expect(try submit(request).get().applied == 1)
    }

    /// Submits a write and waits for what becomes of it.
    mutating func submit(_ request: KassaV1.WriteRequest) throws -> WriteResult {
        let bytes = request.encodedBytes()
        begin()
        let acknowledgement = Acknowledgement()
        try write(bytes.span, at: .now()) { result in acknowledgement.set(result) }
        return acknowledgement.wait()
    }

    /// Scores a session.
    mutating func score(
        _ session: String, context: [KassaV1.NamedValue] = [], include: [KassaV1.Include] = []
    ) throws -> KassaV1.ScoreResponse {
        try score(
            KassaV1.ScoreRequest(
                scorer: "abandonment",
                entities: [KassaV1.EntityKey(kind: "session", id: session)], context: context,
                include: include))
    }

    /// Scores a request.
    mutating func score(_ request: KassaV1.ScoreRequest) throws -> KassaV1.ScoreResponse {
        begin()
        defer { end() }
        var writer = WireWriter()
        let bytes = request.encodedBytes()
        try score(bytes.span, at: .now(), into: &writer)
        return try KassaV1.ScoreResponse(decoding: writer.bytes)
    }
}

/// A result that another thread sets once.
final class Acknowledgement: Sendable {
    private let result = Mutex<WriteResult?>(nil)

    func set(_ value: WriteResult) { result.withLock { $0 = value } }

    /// What was set so far.
    var value: WriteResult? { result.withLock { $0 } }

    func wait() -> WriteResult {
        while true {
            if let value = result.withLock({ $0 }) { return value }
            usleep(100)
        }
    }
}

extension Worker {
    /// Scores bytes that may be no request at all; an answer and a refusal are both fine.
    mutating func tolerate(_ bytes: [UInt8]) {
        begin()
        defer { end() }
        var writer = WireWriter()
        do throws(EngineError) {
            try score(bytes.span, at: .now(), into: &writer)
        } catch {}
    }
}
