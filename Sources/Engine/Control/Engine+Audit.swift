// SPDX-License-Identifier: Apache-2.0

package import API
internal import Crypto
internal import Store
internal import Wire

/// The bounds of one look at the audit log.
package enum AuditLimits {
    /// Records in one reply.
    package static let recordsMax = 1_000
    /// Records in a reply to a request that names no number.
    package static let recordsByDefault = 100
    /// Bytes of records after which a reply is long enough; the next request goes on from there.
    package static let replyByteCountMax = 2 << 20
}

/// `Config.Audit`: who changed what and why.
extension Engine {
    /// The records of changes, newest first. Control work: it reads the keys of the whole log.
    package func audit(
        _ request: KassaV1.AuditRequest
    ) throws(EngineError) -> KassaV1.AuditResponse {
        guard request.limit <= UInt32(AuditLimits.recordsMax) else {
            throw EngineError(
                .invalidArgument, "limit: must be at most \(AuditLimits.recordsMax)")
        }
        let limit = request.limit == 0 ? AuditLimits.recordsByDefault : Int(request.limit)
        let before = request.before == 0 ? UInt64.max : request.before
        let found: (entries: [KassaV1.AuditEntry], isDamaged: Bool)
        do throws(StoreError) {
            found = try environment.read { transaction throws(StoreError) in
                try Self.entries(of: transaction, in: tables.audit, before: before, limit: limit)
            }
        } catch {
            throw EngineError(error)
        }
        guard !found.isDamaged else {
            throw EngineError(.dataLoss, "a record of the audit log is damaged")
        }
        var byteCount = 0
        let entries = found.entries.reversed().prefix { entry in
            let isFirst = byteCount == 0
            byteCount += entry.encodedBytes().count
            return isFirst || byteCount <= AuditLimits.replyByteCountMax
        }
        var response = KassaV1.AuditResponse(entries: Array(entries))
        if request.verify {
            let chain = try auditChain()
            response.verified = chain.linkedCount
            response.brokenAt = chain.brokenAt ?? 0
        }
        return response
    }

    /// Recomputes every link of the audit log.
    func auditChain() throws(EngineError) -> AuditChain {
        do throws(StoreError) {
            return try environment.read { transaction throws(StoreError) in
                var chain = AuditChain()
                try transaction.scan(tables.audit, prefix: [UInt8]().span) { key, value in
                    chain.add(value, sequence: Self.sequence(ofKey: key))
                    return chain.brokenAt == nil
                }
                let key = AuditHead.key
                chain.end(at: try transaction.value(forKey: key.span, in: environment.meta))
                return chain
            }
        } catch {
            throw EngineError(error)
        }
    }

    /// The last `limit` records older than `before`, oldest first.
    private static func entries(
        of transaction: borrowing ReadTransaction, in table: Table, before: UInt64, limit: Int
    ) throws(StoreError) -> (entries: [KassaV1.AuditEntry], isDamaged: Bool) {
        // Where the last `limit` keys begin: the table can only be walked upwards.
        var keys: [UInt64] = []
        var count = 0
        try transaction.scan(table, prefix: [UInt8]().span) { key, _ in
            let sequence = Self.sequence(ofKey: key)
            guard sequence < before else { return false }
            if keys.count < limit { keys.append(sequence) } else { keys[count % limit] = sequence }
            count += 1
            return true
        }
        guard count > 0 else { return ([], false) }
        let start = [UInt8](integerBytes(keys[count > limit ? count % limit : 0]).reversed())
        var entries: [KassaV1.AuditEntry] = []
        var isDamaged = false
        try transaction.scan(table, prefix: [UInt8]().span, from: start.span) { key, value in
            let sequence = Self.sequence(ofKey: key)
            guard sequence < before else { return false }
            guard let record = try? KassaStorageV1.AuditRecord(decoding: value) else {
                isDamaged = true
                return false
            }
            entries.append(
                KassaV1.AuditEntry(
                    sequence: sequence, atUs: record.atUs, actor: record.actor,
                    action: record.action, reason: record.reason, epoch: record.epoch,
                    details: record.details, sha256: SHA256.digest(of: value),
                    previousSha256: record.previousSha256))
            return true
        }
        return (entries, isDamaged)
    }

    /// The write's number that a record is kept under, big-endian.
    static func sequence(ofKey key: Span<UInt8>) -> UInt64 {
        var sequence: UInt64 = 0
        for index in key.indices { sequence = sequence << 8 | UInt64(key[index]) }
        return sequence
    }
}
