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
        for scan in scans {
            // Of every generation, whether it serves, is being loaded, or is kept.
            for table in tables.allRows {
                try deleteRows(of: scan, in: table, counting: &tally)
            }
            try deleteHistory(of: scan, counting: &tally)
        }
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
        while true {
            let found = try keys(of: scan, in: table)
            guard !found.isEmpty else { return }
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
        }
    }

    private func deleteHistory(
        of scan: EraseScan, counting tally: inout EraseTally
    ) throws(EngineError) {
        while true {
            let found = try keys(of: scan, in: tables.history)
            guard !found.isEmpty else { return }
            for key in found { tally.noteHistory(key.span) }
            try run { transaction, _ in
                for key in found {
                    _ = try transaction.delete(key.span, in: self.tables.history)
                }
            }
        }
    }

    /// The first keys that a scan finds in a table.
    private func keys(of scan: EraseScan, in table: Table) throws(EngineError) -> [[UInt8]] {
        var found: [[UInt8]] = []
        do throws(StoreError) {
            try environment.read { transaction throws(StoreError) in
                let prefix = scan.prefix
                try transaction.scan(table, prefix: prefix.span) { key, _ in
                    if scan.matches(key) { found.append(key.indices.map { key[$0] }) }
                    return found.count < Self.eraseBatchMax
                }
            }
        } catch {
            throw EngineError(error)
        }
        return found
    }
}
