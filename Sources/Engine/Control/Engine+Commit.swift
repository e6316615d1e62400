// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Crypto
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
    /// nothing of them; before it what is in force and not stored yet, so that epochs are recorded in
    /// their order. Blocks until it is synced.
    func commit(
        _ record: KassaStorageV1.AuditRecord, epoch: UInt64, puts: [Put]
    ) throws(EngineError) {
        try recordPending()
        try commit(record, epoch: epoch, puts: puts, indexes: [])
    }

    /// The same, with keys in the table of rollouts that lead to the audit record.
    func commit(
        _ record: KassaStorageV1.AuditRecord, epoch: UInt64, puts: [Put], indexes: [[UInt8]]
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
            for key in indexes {
                let value = integerBytes(sequence)
                try transaction.put(value.span, forKey: key.span, in: self.tables.rollouts)
            }
            try self.note(record, sequence: sequence, in: &transaction)
        }
    }

    /// Keeps an audit record under the sequence number of its write: unique, ascending. It holds the
    /// digest of the record before, so that none can be altered, left out or put in later unnoticed.
    func note(
        _ record: KassaStorageV1.AuditRecord, sequence: UInt64,
        in transaction: inout WriteTransaction
    ) throws(StoreError) {
        let key = [UInt8](integerBytes(sequence).reversed())
        var linked = record
        linked.previousSha256 = [UInt8](repeating: 0, count: SHA256.byteCount)
        let headKey = AuditHead.key
        if let head = try transaction.value(forKey: headKey.span, in: environment.meta) {
            // One that cannot be read breaks the chain here, which a verification finds.
            linked.previousSha256 =
                (try? KassaStorageV1.StoredAuditHead(decoding: head))?.sha256 ?? []
        }
        let value = linked.encodedBytes()
        try transaction.put(value.span, forKey: key.span, in: tables.audit)
        let head = KassaStorageV1.StoredAuditHead(
            sequence: sequence, sha256: SHA256.digest(of: value.span)
        ).encodedBytes()
        try transaction.put(head.span, forKey: headKey.span, in: environment.meta)
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
