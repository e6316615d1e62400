// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import Testing
import Wire

/// A version of `cart` with these features.
private func cart(
    _ version: UInt32, _ features: [String], ttlMilliseconds: UInt64 = 0,
    historyMilliseconds: UInt64 = 0
) -> KassaV1.Document.Resource {
    .featureSet(
        KassaV1.FeatureSetSpec(
            name: "cart", version: version, entity: ["session"],
            features: features.map { KassaV1.FeatureSpec(name: $0, type: .int64) },
            ttlMs: ttlMilliseconds, historyMs: historyMilliseconds))
}

struct `The life of rows` {
    @Test func `an erased entity stays erased for late writes, and lives again for later ones`()
        throws
    {
        let folder = TemporaryFolder()
        let erasedUntil = try folder.withEngine { engine, worker in
            try engine.apply([cart(1, ["items"])])
            try worker.write(items: 3, session: "s")
            try worker.write(items: 4, session: "other")
            let receipt = try engine.erase(
                KassaV1.EraseRequest(
                    entity: KassaV1.EntityKey(kind: "session", id: "s"), actor: "test",
                    reason: "asked for"), at: .now())
            #expect(receipt.erased.map(\.featureSet) == ["cart"])
            #expect(receipt.erased.map(\.rows) == [1])
            #expect(receipt.receiptId.count == 32)
            #expect(try worker.statuses("s") == [.noEntity])
            #expect(try worker.statuses("other") == [.present])
            return receipt.erasedUntilUs
        }
        try folder.withEngine { _, worker in
            let late = try worker.write(item: 5, at: erasedUntil, session: "s")
            #expect(late.applied == 0)
            #expect(late.ignoredErased == 1)
            #expect(try worker.statuses("s") == [.noEntity])
            let later = try worker.write(item: 6, at: erasedUntil + 1, session: "s")
            #expect(later.applied == 1)
            #expect(try worker.statuses("s") == [.present])
        }
    }

    @Test func `an entity of an unknown kind is a mistake and no erasure`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            try engine.apply([cart(1, ["items"])])
            let error = #expect(throws: EngineError.self) {
                try engine.erase(
                    KassaV1.EraseRequest(entity: KassaV1.EntityKey(kind: "sesion", id: "s")),
                    at: .now())
            }
            #expect(error?.kind == .invalidArgument)
            #expect(error?.reason.hasPrefix("entity.kind") == true)
        }
    }

    @Test func `a version that a scorer reads is not dropped, and a dropped one is not found`()
        throws
    {
        let folder = TemporaryFolder()
        try folder.withEngine { engine, worker in
            try engine.apply([cart(1, ["items"])])
            try engine.uploadStump()
            try engine.apply([cart(2, ["items", "weight"]), scorer("stump@1")])
            let refused = #expect(throws: EngineError.self) { try engine.drop("cart@1") }
            #expect(refused?.kind == .failedPrecondition)
            #expect(refused?.reason.contains("scorer abandonment") == true)
            let plan = try engine.drop("cart@2", dryRun: true)
            #expect(plan.plan?.details.contains("columns freed: weight") == true)
            #expect(plan.epoch == engine.epoch)
            _ = try engine.drop("cart@2")
            try worker.write(items: 1, session: "s", set: "cart@1")
        }
        try folder.withEngine { engine, worker in
            let missing = #expect(throws: EngineError.self) {
                try engine.get(KassaV1.GetRequest(kind: "feature_set", name: "cart@2"))
            }
            #expect(missing?.kind == .notFound)
            #expect(try worker.score("s").degraded.isEmpty)
            // The number is never given again.
            let plan = try engine.apply([cart(0, ["items", "height"])])
            #expect(plan.plan.map(\.name) == ["cart@3"])
        }
    }

    @Test func `a sweep takes out what is older than its ttl`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([cart(1, ["items"], ttlMilliseconds: 60_000)])
            let now = Timestamp.now().microseconds
            _ = try worker.write(item: 1, at: now - 61_000_000, session: "old")
            _ = try worker.write(item: 2, at: now, session: "new")
            #expect(try worker.statuses("old") == [.expired])
            try engine.sweep()
            #expect(try worker.statuses("old") == [.noEntity])
            #expect(try worker.statuses("new") == [.present])
        }
    }

    @Test func `a retry of a named write is answered as the first time`() throws {
        let folder = TemporaryFolder()
        let first = try folder.withEngine { engine, worker in
            try engine.apply([cart(1, ["items"])])
            return try worker.write(item: 1, at: 1_000, session: "s", id: "order-7")
        }
        #expect(first.applied == 1)
        try folder.withEngine { _, worker in
            let again = try worker.write(item: 1, at: 1_000, session: "s", id: "order-7")
            #expect(again.applied == 1)
            #expect(again.repeatedAnswer)
            do {
                _ = try worker.write(item: 2, at: 1_000, session: "s", id: "order-7")
                Issue.record("it was taken")
            } catch let error as EngineError {
                #expect(error.kind == .alreadyExists)
            }
        }
    }

    @Test func `a read as of a time says what was so then`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([cart(1, ["items"], historyMilliseconds: 3_600_000)])
            let now = Timestamp.now().microseconds
            for (items, age) in [(Int64(1), Int64(30)), (3, 10), (2, 20)] {
                _ = try worker.write(item: items, at: now - age * 1_000_000, session: "s")
            }
            for (age, expected) in [(Int64(31), nil), (25, 1), (15, 2), (5, 3)] as [(Int64, Int64?)]
            {
                let column = try worker.column("s", asOf: now - age * 1_000_000)
                #expect(column.statuses == [expected == nil ? 3 : 1])
                if let expected, case .integers(let integers) = column.values {
                    #expect(integers.values == [expected])
                }
            }
        }
    }
}

extension Engine {
    fileprivate func drop(_ name: String, dryRun: Bool = false) throws -> KassaV1.DropResponse {
        try drop(
            KassaV1.DropRequest(
                featureSet: name, dryRun: dryRun, actor: "test", reason: "not used any more"),
            at: .now())
    }
}

extension Worker {
    /// Writes items of one session at an event time.
    fileprivate mutating func write(
        item: Int64, at time: Int64, session: String, id: String = ""
    ) throws -> KassaV1.WriteResponse {
        try submit(
            KassaV1.WriteRequest(
                featureSet: "cart@1", keys: [KassaV1.KeyColumn(kind: "session", ids: [session])],
                eventTimeUs: [time],
                columns: [
                    KassaV1.Column(
                        name: "items", values: .integers(KassaV1.IntegerValues(values: [item])))
                ], writeId: id)
        ).get()
    }

    /// The column of items of one session.
    fileprivate mutating func column(
        _ session: String, asOf time: Int64? = nil
    ) throws -> KassaV1.ReadColumn {
        begin()
        defer { end() }
        let request = KassaV1.ReadRequest(
            keys: [KassaV1.KeyColumn(kind: "session", ids: [session])],
            selections: [KassaV1.FeatureSelection(featureSet: "cart@1", features: ["items"])],
            asOfUs: time)
        var writer = WireWriter()
        let bytes = request.encodedBytes()
        try read(bytes.span, at: .now(), into: &writer)
        let response = try KassaV1.ReadResponse(decoding: writer.bytes)
        return response.featureSets[0].columns[0]
    }

    /// The status of a session's items.
    fileprivate mutating func statuses(_ session: String) throws -> [KassaV1.Status] {
        try column(session).statuses.map { KassaV1.Status(rawValue: Int32($0)) }
    }
}
