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
        let epochValue = Put(table: environment.meta, key: epochKey, value: integerBytes(epoch))
        try run { transaction, sequence in
            for put in puts + [epochValue] {
                if let value = put.value {
                    try transaction.put(value.span, forKey: put.key.span, in: put.table)
                } else {
                    _ = try transaction.delete(put.key.span, in: put.table)
                }
            }
            try self.note(record, sequence: sequence, in: &transaction)
        }
    }

    /// Keeps an audit record under the sequence number of its write: unique, ascending.
    func note(
        _ record: KassaStorageV1.AuditRecord, sequence: UInt64,
        in transaction: inout WriteTransaction
    ) throws(StoreError) {
        let key = [UInt8](integerBytes(sequence).reversed())
        let value = record.encodedBytes()
        try transaction.put(value.span, forKey: key.span, in: tables.audit)
    }

    /// Makes a change in a durable transaction of its own, and waits for it.
    @discardableResult
    func run<Result: Sendable>(
        _ body:
            @escaping @Sendable (
                _ transaction: inout WriteTransaction, _ sequence: UInt64
            ) throws -> Result
    ) throws(EngineError) -> Result {
        do {
            return try writer.run(body)
        } catch let error as StoreError {
            throw EngineError(error)
        } catch {
            throw EngineError(.internal, "\(error)")
        }
    }
}
