// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import Testing

struct `The audit log` {
    @Test func `every change leaves a record, the newest first`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([cart])
            try engine.uploadStump(actor: "ada", reason: "first model")
            try engine.deleteModel(
                KassaV1.DeleteModelRequest(model: "stump@1", reason: "wrong", actor: "bob"),
                at: .now())
            // Neither a plan nor a write of features is a change of state that it holds.
            try engine.apply([scorer("stump")], dryRun: true, mayFail: true)
            try worker.write(items: 1, session: "s")
            let entries = try engine.audit(KassaV1.AuditRequest()).entries
            #expect(entries.map(\.action) == ["model delete", "model upload", "apply"])
            #expect(entries.map(\.actor) == ["bob", "ada", "test"])
            #expect(entries.map(\.reason) == ["wrong", "first model", "a test"])
            #expect(entries.map(\.epoch) == [1, 1, 1])
            #expect(entries[0].details == ["model stump@1"])
            #expect(entries[2].details.contains { $0.hasPrefix("feature_set cart@1") })
            #expect(entries.allSatisfy { $0.atUs > 0 })
            #expect(entries[0].sequence > entries[1].sequence)
        }
    }

    @Test func `it is read a page at a time`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            for version in 1...5 { try engine.apply([features(count: version)]) }
            let all = try engine.audit(KassaV1.AuditRequest()).entries
            #expect(all.map(\.epoch) == [5, 4, 3, 2, 1])
            let first = try engine.audit(KassaV1.AuditRequest(limit: 2)).entries
            #expect(first == Array(all[..<2]))
            let before = first[1].sequence
            let next = try engine.audit(KassaV1.AuditRequest(limit: 2, before: before)).entries
            #expect(next == Array(all[2..<4]))
            let last = try engine.audit(
                KassaV1.AuditRequest(limit: 2, before: next[1].sequence)
            ).entries
            #expect(last == Array(all[4...]))
            let none = try engine.audit(KassaV1.AuditRequest(before: last[0].sequence))
            #expect(none.entries.isEmpty)
        }
    }

    @Test func `a page is as long as the limit says, and no longer`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            let most = UInt32(AuditLimits.recordsMax)
            let none = try engine.audit(KassaV1.AuditRequest(limit: most))
            #expect(none.entries.isEmpty)
            let error = #expect(throws: EngineError.self) {
                try engine.audit(KassaV1.AuditRequest(limit: most + 1))
            }
            #expect(error?.reason.contains("limit") == true)
        }
    }

    private func features(count: Int) -> KassaV1.Document.Resource {
        .featureSet(
            KassaV1.FeatureSetSpec(
                name: "cart", entity: ["session"],
                features: (0..<count).map { KassaV1.FeatureSpec(name: "f\($0)", type: .int64) }))
    }
}

extension Engine {
    fileprivate func apply(
        _ resources: [KassaV1.Document.Resource], dryRun: Bool, mayFail: Bool
    ) throws {
        do { _ = try apply(resources, dryRun: dryRun) } catch { if !mayFail { throw error } }
    }
}
