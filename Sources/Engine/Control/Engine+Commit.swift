// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Store
internal import Wire

/// One value to store, or with none to delete.
struct Put: Sendable {
    let table: Table
    let key: [UInt8]
    let value: [UInt8]?
}

extension Engine {
    /// Commits a change of configuration durably: its values, the epoch and its audit record, or
    /// nothing of them. Blocks until it is synced.
    func commit(
        _ record: KassaStorageV1.AuditRecord, epoch: UInt64, puts: [Put]
    ) throws(EngineError) {
        let audit = (table: tables.audit, value: record.encodedBytes())
        let epochValue = Put(table: environment.meta, key: epochKey, value: integerBytes(epoch))
        do {
            try writer.run { transaction, sequence in
                for put in puts + [epochValue] {
                    if let value = put.value {
                        try transaction.put(value.span, forKey: put.key.span, in: put.table)
                    } else {
                        _ = try transaction.delete(put.key.span, in: put.table)
                    }
                }
                // Audit records are keyed by the sequence number of their write: unique, ascending.
                let key = [UInt8](integerBytes(sequence).reversed())
                try transaction.put(audit.value.span, forKey: key.span, in: audit.table)
            }
        } catch let error as StoreError {
            throw EngineError(error)
        } catch {
            throw EngineError(.internal, "\(error)")
        }
    }
}
