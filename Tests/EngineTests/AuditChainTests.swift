// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Files
import Glibc
import Rollout
import Store
import Testing
import Wire

@testable import Engine

struct `The links of the audit log` {
    @Test func `a record that was altered is noticed`() throws {
        try withShop { engine, _ in
            let id = try engine.canary(1).rollout!.id
            _ = try engine.setWeight(2)
            try engine.abort()
            let intact = try engine.audit(KassaV1.AuditRequest(verify: true))
            #expect(intact.brokenAt == 0 && intact.verified == UInt64(intact.entries.count))
            #expect(intact.entries[0].previousSha256 == intact.entries[1].sha256)
            let entry = intact.entries[1]
            let key = [UInt8](integerBytes(entry.sequence).reversed())
            let bytes = try engine.environment.read { transaction throws(StoreError) in
                let bytes = try transaction.value(forKey: key.span, in: engine.tables.audit)!
                return bytes.indices.map { bytes[$0] }
            }
            var record = try KassaStorageV1.AuditRecord(decoding: bytes.span)
            record.transitions[0].weightPercent = 3
            let value = record.encodedBytes()
            try engine.run { transaction, _ in
                try transaction.put(value.span, forKey: key.span, in: engine.tables.audit)
            }
            let altered = try engine.audit(KassaV1.AuditRequest(verify: true))
            #expect(altered.brokenAt == intact.entries[0].sequence)
            let explained = try engine.explainRollout(KassaV1.ExplainRolloutRequest(rolloutId: id))
            #expect(!explained.chainIntact)
        }
    }

    @Test func `a missing last record is noticed`() throws {
        try withShop { engine, _ in
            try engine.canary(1)
            let last = try engine.audit(KassaV1.AuditRequest(limit: 1)).entries[0].sequence
            let key = [UInt8](integerBytes(last).reversed())
            try engine.run { transaction, _ in
                _ = try transaction.delete(key.span, in: engine.tables.audit)
            }
            #expect(try engine.audit(KassaV1.AuditRequest(verify: true)).brokenAt == last)
        }
    }
}
