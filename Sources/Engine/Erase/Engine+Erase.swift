// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import Crypto
internal import Features
internal import Store

/// `Features.Erase`: an entity's rows and history go, and a tombstone stays. Control work.
extension Engine {
    /// Keys that one transaction deletes at the most.
    static let eraseBatchMax = 4_096

    /// Erases an entity durably; returns the receipt.
    ///
    /// The tombstone comes first, so that from then on no write brings back what is being deleted; then
    /// rows and history go in bounded transactions; the last one writes the final tombstone and the audit
    /// record. Interrupted, the tombstone holds and the same request finishes the work.
    package func erase(
        _ request: KassaV1.EraseRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.EraseResponse {
        try Words.checkProse(request.actor, at: "actor")
        try Words.checkProse(request.reason, at: "reason")
        let catalog = published.current.features
        let entity = request.entity ?? KassaV1.EntityKey()
        let scans: [EraseScan]
        do throws(FieldError) {
            scans = try EraseScan.scans(of: entity, in: catalog)
        } catch {
            throw EngineError(error)
        }
        var tally = EraseTally(catalog)
        let begun = tally.tombstone(
            tally.response(to: request, now: now.microseconds), sequence: 0)
        try run { transaction, _ in
            try self.bury(entity, under: begun, in: &transaction)
        }
        environment.faults.hit(.eraseBuried)
        for scan in scans {
            // Of every generation, whether it serves, is being loaded, or is kept.
            for table in tables.allRows {
                try deleteRows(of: scan, in: table, counting: &tally)
            }
            try deleteHistory(of: scan, counting: &tally)
        }
        environment.faults.hit(.eraseDeleted)
        let response = tally.response(to: request, now: now.microseconds)
        let counted = tally
        let record = KassaStorageV1.AuditRecord(
            atUs: now.microseconds, actor: request.actor, action: "erase", reason: request.reason,
            epoch: epoch,
            details: ["kind \(entity.kind), receipt \(hexadecimal(response.receiptId))"])
        try run { transaction, sequence in
            try self.bury(
                entity, under: counted.tombstone(response, sequence: sequence), in: &transaction)
            try self.note(record, sequence: sequence, in: &transaction)
        }
        return response
    }

    /// Puts a tombstone, merged with the one that is there.
    private func bury(
        _ entity: KassaV1.EntityKey, under tombstone: Tombstone,
        in transaction: inout WriteTransaction
    ) throws(StoreError) {
        var key = TombstoneKey()
        let id = Array(entity.id.utf8)
        key.build(kind: entity.kind, id: id.span)
        var merged = tombstone
        if let stored = try transaction.value(forKey: key.bytes, in: tables.tombstones),
            let known = try? Tombstone(stored)
        {
            merged = merged.merged(with: known)
        }
        let bytes = merged.encoded
        try transaction.put(bytes.span, forKey: key.bytes, in: tables.tombstones)
    }

    private func deleteRows(
        of scan: EraseScan, in table: Table, counting tally: inout EraseTally
    ) throws(EngineError) {
        var next: [UInt8]? = scan.prefix
        while let start = next {
            let found: [[UInt8]]
            (found, next) = try keys(of: scan, in: table, from: start)
            guard !found.isEmpty else { continue }
            let before = tally
            tally = try run { transaction, _ in
                var tally = before
                for key in found {
                    if let row = try transaction.value(forKey: key.span, in: table) {
                        tally.note(key.span, row)
                    }
                    _ = try transaction.delete(key.span, in: table)
                }
                return tally
            }
            environment.faults.hit(.eraseDeleting)
        }
    }

    private func deleteHistory(
        of scan: EraseScan, counting tally: inout EraseTally
    ) throws(EngineError) {
        var next: [UInt8]? = scan.prefix
        while let start = next {
            let found: [[UInt8]]
            (found, next) = try keys(of: scan, in: tables.history, from: start)
            guard !found.isEmpty else { continue }
            for key in found { tally.noteHistory(key.span) }
            try run { transaction, _ in
                for key in found {
                    _ = try transaction.delete(key.span, in: self.tables.history)
                }
            }
        }
    }

    /// The keys that a scan finds in a table from the key `start` on, a bounded number under one snapshot,
    /// and the key from which to go on; nil at the end.
    ///
    /// Where it has been nothing more can come: the tombstone holds for every write of that time.
    private func keys(
        of scan: EraseScan, in table: Table, from start: [UInt8]
    ) throws(EngineError) -> (found: [[UInt8]], next: [UInt8]?) {
        var found: [[UInt8]] = []
        var visited = 0
        var next: [UInt8]?
        do throws(StoreError) {
            try environment.read { transaction throws(StoreError) in
                let prefix = scan.prefix
                try transaction.scan(table, prefix: prefix.span, from: start.span) { key, _ in
                    guard visited < EngineLimits.visitedRowsMax, found.count < Self.eraseBatchMax
                    else {
                        next = key.indices.map { key[$0] }
                        return false
                    }
                    visited += 1
                    if scan.matches(key) { found.append(key.indices.map { key[$0] }) }
                    return true
                }
            }
        } catch {
            throw EngineError(error)
        }
        return (found, next)
    }
}
