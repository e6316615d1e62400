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
    /// The records of changes, newest first: at most ``AuditLimits/recordsMax`` from one snapshot, found
    /// from the end of the log, however long it is.
    package func audit(
        _ request: KassaV1.AuditRequest
    ) throws(EngineError) -> KassaV1.AuditResponse {
        guard request.limit <= UInt32(AuditLimits.recordsMax) else {
            throw EngineError(
                .invalidArgument, "limit: must be at most \(AuditLimits.recordsMax)")
        }
        let limit = request.limit == 0 ? AuditLimits.recordsByDefault : Int(request.limit)
        let bound =
            request.before == 0 ? [] : [UInt8](integerBytes(request.before).reversed())
        var entries: [KassaV1.AuditEntry] = []
        var byteCount = 0
        var isDamaged = false
        do throws(StoreError) {
            try environment.read { transaction throws(StoreError) in
                try transaction.scanBackwards(tables.audit, below: bound.span) { key, value in
                    guard let record = try? KassaStorageV1.AuditRecord(decoding: value) else {
                        isDamaged = true
                        return false
                    }
                    let entry = KassaV1.AuditEntry(
                        sequence: Self.sequence(ofKey: key), atUs: record.atUs,
                        actor: record.actor, action: record.action, reason: record.reason,
                        epoch: record.epoch, details: record.details,
                        sha256: SHA256.digest(of: value),
                        previousSha256: record.previousSha256)
                    byteCount += entry.encodedBytes().count
                    guard entries.isEmpty || byteCount <= AuditLimits.replyByteCountMax else {
                        return false
                    }
                    entries.append(entry)
                    return entries.count < limit
                }
            }
        } catch {
            throw EngineError(error)
        }
        guard !isDamaged else {
            throw EngineError(.dataLoss, "a record of the audit log is damaged")
        }
        var response = KassaV1.AuditResponse(entries: entries)
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

    /// The write's number that a record is kept under, big-endian.
    static func sequence(ofKey key: Span<UInt8>) -> UInt64 {
        var sequence: UInt64 = 0
        for index in key.indices { sequence = sequence << 8 | UInt64(key[index]) }
        return sequence
    }
}
