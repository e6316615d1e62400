// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Store
internal import Synchronization

/// The tables of the tortured store.
struct Tables: Sendable {
    let rows: Table
    let log: Table
    let large: Table

    init(_ environment: Environment) {
        rows = environment.table("rows")
        log = environment.table("log")
        large = environment.table("large")
    }
}

/// Writes the row that belongs to whatever sequence it is given, and prints the acknowledgement.
final class RowCommand: WriteCommand {
    let durability: Durability
    let recordCount = 3
    let byteCount = 1_024
    private let tables: Tables
    private let failures: Failures

    private let outlivesPanic: Bool
    private let outlivesFullDisk: Bool

    init(
        _ tables: Tables, _ durability: Durability, _ failures: Failures, outlivesPanic: Bool,
        outlivesFullDisk: Bool
    ) {
        self.outlivesFullDisk = outlivesFullDisk
        self.outlivesPanic = outlivesPanic
        self.tables = tables
        self.durability = durability
        self.failures = failures
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        let row = Row(sequence: sequence)
        try transaction.put(row.value.span, forKey: row.key.span, in: tables.rows)
        try transaction.put(row.key.span, forKey: row.logKey.span, in: tables.log)
        guard sequence % 8 == 0 else { return }
        try transaction.put(row.largeValue.span, forKey: row.largeKey.span, in: tables.large)
        let other = Row(sequence: sequence / 3)
        try transaction.delete(other.largeKey.span, in: tables.large)
    }

    func completed(_ outcome: WriteOutcome) {
        switch outcome {
        case .committed(let sequence, let reached):
            printLine("\(reached == .durable ? "durable" : "fast") \(sequence)")
        case .failed(.panicked) where outlivesPanic: break
        case .failed(.diskFull) where outlivesFullDisk:
            printError("full")
            usleep(1_000)
        case .failed(let error):
            failures.count.add(1, ordering: .relaxed)
            printError(error.message)
        }
    }
}

/// How many writes have failed.
final class Failures: Sendable {
    let count = Atomic<Int>(0)
}
