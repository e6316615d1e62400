// SPDX-License-Identifier: Apache-2.0

import API
import Engine
import Glibc
import Testing
import Wire

/// What the stump's margins come to.
private let high = Double(1 / (1 + expf(-0.25)))
private let low = Double(1 / (1 + expf(0.25)))

struct `Scoring` {
    /// An engine with a scorer over the stump.
    private func withScorer(_ body: (Engine, inout Worker) throws -> Void) throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([cart])
            try engine.uploadStump()
            try engine.apply([scorer("stump@1")])
            try body(engine, &worker)
        }
    }

    @Test func `a score comes from the stored row`() throws {
        try withScorer { _, worker in
            try worker.write(items: 2, session: "few")
            try worker.write(items: 3, session: "many")
            let few = try worker.score("few")
            #expect(abs(few.score - high) < 1e-7)
            #expect(few.margin == 0.25)
            #expect(few.slot == .stable)
            #expect(few.model == "stump@1")
            #expect(few.bundleSha256.count == 32)
            #expect(few.epoch == 2)
            #expect(few.degraded.isEmpty)
            #expect(abs(try worker.score("many").score - low) < 1e-7)
        }
    }

    @Test func `a request brings as many values as the limit says, and no more`() throws {
        try withScorer { _, worker in
            let value = KassaV1.NamedValue(
                name: "cart.items", value: KassaV1.Value(kind: .integer(9)))
            let most = Array(repeating: value, count: ScoreLimits.contextValuesMax)
            let response = try worker.score("s", context: most)
            #expect(response.margin == -0.25)
            let error = #expect(throws: EngineError.self) {
                try worker.score("s", context: most + [value])
            }
            #expect(error?.kind == .invalidArgument)
            #expect(error?.reason.contains("context") == true)
        }
    }

    @Test func `a missing row is said to be missing and takes the default direction`() throws {
        try withScorer { _, worker in
            let response = try worker.score("nobody")
            #expect(response.margin == 0.25)
            #expect(response.degraded.map(\.name) == ["cart.items"])
            #expect(response.degraded.map(\.status) == [.noEntity])
            // An empty id is the caller's word that there is no entity.
            #expect(try worker.score("").degraded.map(\.status) == [.noEntity])
        }
    }

    @Test func `context overrides what is stored`() throws {
        try withScorer { _, worker in
            try worker.write(items: 2, session: "s")
            for name in ["items", "cart.items"] {
                let value = KassaV1.NamedValue(
                    name: name, value: KassaV1.Value(kind: .integer(9)))
                let response = try worker.score("s", context: [value], include: [.features])
                #expect(response.margin == -0.25)
                #expect(response.degraded.isEmpty)
                #expect(response.features.map(\.name) == ["cart.items"])
                #expect(response.features.map(\.status) == [.present])
            }
            let null = KassaV1.NamedValue(
                name: "items", value: KassaV1.Value(kind: .null(KassaV1.NullValue())))
            #expect(try worker.score("s", context: [null]).degraded.map(\.status) == [.null])
        }
    }

    @Test func `context of an unknown name or a wrong type is refused by its place`() throws {
        try withScorer { _, worker in
            let unknown = KassaV1.NamedValue(
                name: "weight", value: KassaV1.Value(kind: .number(1)))
            let text = KassaV1.NamedValue(
                name: "items", value: KassaV1.Value(kind: .text("secret")))
            for (context, field) in [(unknown, "context[0].name"), (text, "context[0].value")] {
                do {
                    _ = try worker.score("s", context: [context])
                    Issue.record("it was taken")
                } catch let error as EngineError {
                    #expect(error.kind == .invalidArgument)
                    #expect(error.reason.hasPrefix(field))
                    #expect(!error.reason.contains("secret"))
                }
            }
        }
    }

    @Test func `a request without a needed entity is refused by the kind's name`() throws {
        try withScorer { _, worker in
            let requests: [(KassaV1.ScoreRequest, EngineError.Kind, String)] = [
                (KassaV1.ScoreRequest(scorer: "abandonment"), .invalidArgument, "session"),
                (KassaV1.ScoreRequest(scorer: "unknown"), .notFound, "scorer"),
                (
                    KassaV1.ScoreRequest(
                        scorer: "abandonment",
                        entities: [
                            KassaV1.EntityKey(kind: "session", id: "a"),
                            KassaV1.EntityKey(kind: "session", id: "b"),
                        ]), .invalidArgument, "entities[1].kind"
                ),
                (
                    KassaV1.ScoreRequest(
                        scorer: "abandonment",
                        entities: [
                            KassaV1.EntityKey(
                                kind: "session", id: String(repeating: "x", count: 257))
                        ]), .invalidArgument, "entities[0].id"
                ),
            ]
            for (request, kind, word) in requests {
                do {
                    _ = try worker.score(request)
                    Issue.record("it was taken")
                } catch let error as EngineError {
                    #expect(error.kind == kind)
                    #expect(error.reason.contains(word))
                }
            }
        }
    }

    @Test func `exactly the most entities are taken, and one more refused`() throws {
        try withScorer { _, worker in
            var entities = [KassaV1.EntityKey(kind: "session", id: "s")]
            for index in 1..<ScoreLimits.entitiesMax {
                entities.append(KassaV1.EntityKey(kind: "other\(index)", id: "x"))
            }
            _ = try worker.score(
                KassaV1.ScoreRequest(scorer: "abandonment", entities: entities))
            entities.append(KassaV1.EntityKey(kind: "one_more", id: "x"))
            do {
                _ = try worker.score(
                    KassaV1.ScoreRequest(scorer: "abandonment", entities: entities))
                Issue.record("it was taken")
            } catch let error as EngineError {
                #expect(error.kind == .invalidArgument)
            }
        }
    }

    @Test func `a scorer goes on under a new version of its feature set`() throws {
        try withScorer { engine, worker in
            try worker.write(items: 5, session: "old")
            let wider = KassaV1.Document.Resource.featureSet(
                KassaV1.FeatureSetSpec(
                    name: "cart", version: 2, entity: ["session"],
                    features: [
                        KassaV1.FeatureSpec(name: "items", type: .int64),
                        KassaV1.FeatureSpec(name: "device", type: .string),
                        KassaV1.FeatureSpec(name: "weight", type: .float32),
                    ]))
            try engine.apply([wider])
            try worker.write(items: 6, session: "new", set: "cart@2")
            for session in ["old", "new"] {
                let response = try worker.score(session)
                #expect(response.margin == -0.25)
                #expect(response.degraded.isEmpty)
                #expect(response.epoch == 3)
            }
        }
    }

    @Test func `no truncation or flipped bit of a request traps`() throws {
        try withScorer { _, worker in
            let request = KassaV1.ScoreRequest(
                scorer: "abandonment",
                entities: [KassaV1.EntityKey(kind: "session", id: "s-81")],
                context: [
                    KassaV1.NamedValue(name: "items", value: KassaV1.Value(kind: .integer(4)))
                ], include: [.features])
            let bytes = request.encodedBytes()
            for length in 0..<bytes.count { worker.tolerate(Array(bytes[..<length])) }
            for bit in 0..<bytes.count * 8 {
                var damaged = bytes
                damaged[bit / 8] ^= 1 << UInt8(bit % 8)
                worker.tolerate(damaged)
            }
        }
    }
}
