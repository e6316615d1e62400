// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Rollout
import Testing
import Wire

@testable import Engine

/// Histories that are long: what is read of them, and what a reply holds.
struct `A long history` {
    private func pauseAndResume(_ engine: Engine, _ count: Int, reason: String) throws {
        for number in 0..<count {
            if number.isMultiple(of: 2) {
                _ = try engine.pause(
                    KassaV1.PauseRequest(scorer: "abandonment", reason: reason), at: .now())
            } else {
                _ = try engine.resume(
                    KassaV1.ResumeRequest(scorer: "abandonment", reason: reason), at: .now())
            }
        }
    }

    private func history(
        _ engine: Engine, limit: UInt32 = 0, before: UInt64 = 0
    ) throws -> [KassaV1.RolloutTransition] {
        try engine.rolloutHistory(
            KassaV1.RolloutHistoryRequest(
                scorer: "abandonment", limit: limit, beforeRevision: before)
        ).transitions
    }

    @Test func `is answered in replies of so many bytes, and checked as a whole`() throws {
        try withShop { engine, _ in
            let reason = String(repeating: "r", count: 4_096)
            let id = try #require(try engine.canary(5).rollout).id
            try pauseAndResume(engine, 600, reason: reason)
            var revisions: [UInt64] = []
            var before: UInt64 = 0
            repeat {
                let page = try history(engine, limit: 1_000, before: before)
                let bytes = KassaV1.RolloutHistoryResponse(transitions: page).encodedBytes().count
                #expect(bytes <= AuditLimits.replyByteCountMax + 10_000)
                revisions += page.map(\.revision)
                before = revisions.last ?? 1
            } while before > 1
            #expect(revisions == Array((1...601).reversed()))

            revisions = []
            before = 0
            repeat {
                let page = try engine.explainRollout(
                    KassaV1.ExplainRolloutRequest(
                        rolloutId: id, limit: 1_000, beforeRevision: before))
                #expect(page.encodedBytes().count < 4 << 20)
                #expect(page.agrees && page.chainIntact && page.guard != nil)
                #expect(
                    page.transitions.count + Int(page.leftOut)
                        == (before == 0 ? 601 : Int(before) - 1))
                revisions = page.transitions.map(\.revision) + revisions
                before = revisions.first ?? 1
            } while before > 1
            #expect(revisions == Array(1...601))
        }
    }

    @Test func `is read no further than it is asked for`() throws {
        try withShop { engine, _ in
            let id = try #require(try engine.canary(5).rollout).id
            try pauseAndResume(engine, 9, reason: "")
            // The oldest record of it is damaged.
            let audit = try engine.audit(KassaV1.AuditRequest(limit: 1_000)).entries
            let first = try #require(audit.first { $0.action == "rollout canary" })
            let key = [UInt8](integerBytes(first.sequence).reversed())
            try engine.commit(
                KassaStorageV1.AuditRecord(action: "test"), epoch: engine.epoch,
                puts: [Put(table: engine.tables.audit, key: key, value: [0xFF])])
            #expect(try history(engine, limit: 9).map(\.revision) == Array((2...10).reversed()))
            #expect(try history(engine, limit: 3, before: 6).map(\.revision) == [5, 4, 3])
            let error = #expect(throws: EngineError.self) { try history(engine, limit: 10) }
            #expect(error?.kind == .dataLoss)
            #expect(throws: EngineError.self) {
                try engine.explainRollout(KassaV1.ExplainRolloutRequest(rolloutId: id))
            }
        }
    }

    @Test func `of another rollout behind it is not read`() throws {
        try withShop { engine, _ in
            try engine.canary(5)
            try engine.abort()
            let audit = try engine.audit(KassaV1.AuditRequest(limit: 1_000)).entries
            let first = try #require(audit.first { $0.action == "rollout canary" })
            let key = [UInt8](integerBytes(first.sequence).reversed())
            let id = try #require(try engine.canary(6).rollout).id
            try engine.commit(
                KassaStorageV1.AuditRecord(action: "test"), epoch: engine.epoch,
                puts: [Put(table: engine.tables.audit, key: key, value: [0xFF])])
            let explained = try engine.explainRollout(KassaV1.ExplainRolloutRequest(rolloutId: id))
            #expect(explained.agrees && explained.transitions.map(\.verb) == ["canary"])
        }
    }

    @Test func `is asked for up to a limit`() throws {
        try withShop { engine, _ in
            let id = try #require(try engine.canary(5).rollout).id
            try pauseAndResume(engine, 4, reason: "")
            let explained = try engine.explainRollout(
                KassaV1.ExplainRolloutRequest(rolloutId: id, limit: 2))
            #expect(explained.transitions.map(\.revision) == [4, 5] && explained.leftOut == 3)
            #expect(explained.agrees)
            for limit in [1_000 as UInt32, 1_001] {
                let isFine = limit == 1_000
                #expect(((try? history(engine, limit: limit)) != nil) == isFine)
                let answer = try? engine.explainRollout(
                    KassaV1.ExplainRolloutRequest(rolloutId: id, limit: limit))
                #expect((answer != nil) == isFine)
            }
        }
    }
}
