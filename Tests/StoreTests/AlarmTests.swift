// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc
import Synchronization
import Testing

@testable import Store

struct AlarmTests {
    let directory = TemporaryDirectory()

    @Test func `a nearly full disk refuses puts before LMDB meets it, and takes deletes`() throws {
        // More than a disk can have free: this one is nearly full, whatever it has.
        var configuration = EnvironmentConfiguration(mapBytes: 1 << 30, readersMax: 4)
        configuration.diskFreePercentMin = 101
        let environment = try Environment(
            at: directory.store, tables: [.any("rows")], configuration: configuration)
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        let refused = TestCommand(rows, key: "A")
        try writer.submit(refused)
        #expect(refused.result == .failed(.diskFull))
        #expect(try environment.copy("A", in: rows) == nil)
        // A change of the control plane may be what helps.
        try writer.run { transaction, _ in
            try transaction.put([1].span, forKey: Array("B".utf8).span, in: rows)
        }
        let deletion = DeleteCommand(rows, key: "B")
        try writer.submit(deletion)
        writer.stop()
        #expect(try environment.copy("B", in: rows) == nil)
        let sizes = try environment.statistics()
        #expect(sizes.isDiskNearlyFull)
        #expect(sizes.disk.totalBytes > sizes.disk.freeBytes)
        #expect(environment.writeRefusal == nil)
    }

    @Test func `a disk with room refuses nothing`() throws {
        var configuration = EnvironmentConfiguration(mapBytes: 1 << 30, readersMax: 4)
        configuration.diskFreePercentMin = 0
        let environment = try Environment(
            at: directory.store, tables: [.any("rows")], configuration: configuration)
        let writer = try Writer(environment: environment)
        let command = TestCommand(environment.table("rows"), key: "A")
        try writer.submit(command)
        #expect(command.result == .committed(sequence: 1, .fast))
        #expect(try !environment.statistics().isDiskNearlyFull)
    }

    @Test(arguments: [0, 69, 70, 100] as [UInt64])
    func `pages that are free are no part of the map in use`(percent: UInt64) throws {
        var sizes = try directory.open().statistics()
        sizes.mapPages = 1_000
        sizes.freePages = 50
        sizes.usedPages = percent * 10 + 50
        #expect(sizes.mapPercent == percent)
    }

    @Test func `statistics tell how long the oldest reader has kept its snapshot`() throws {
        let environment = try directory.open()
        let writer = try Writer(environment: environment)
        #expect(try environment.statistics().oldestReaderMilliseconds == 0)
        var busy = try environment.makeReadTransaction()
        var old = try environment.makeReadTransaction()
        // The writer's thread looks every 250 ms; so does each look at the statistics.
        _ = try environment.statistics()
        usleep(120_000)
        try busy.renew()
        let age = try environment.statistics().oldestReaderMilliseconds
        #expect(age >= 110)
        #expect(age < 5_000)
        old.reset()
        try busy.renew()
        #expect(try environment.statistics().oldestReaderMilliseconds == 0)
        usleep(600_000)
        // Nobody asked meanwhile, and the writer has looked.
        #expect(try environment.statistics().oldestReaderMilliseconds >= 200)
        writer.stop()
    }

    @Test func `the writer frees the slot of a reader whose process is gone`() throws {
        // A slot cannot be left behind by this process: what is tested is that the check is made.
        let environment = try directory.open()
        #expect(environment.staleReadersFreed.load(ordering: .relaxed) == 0)
        let writer = try Writer(environment: environment)
        writer.stop()
        #expect(environment.staleReadersFreed.load(ordering: .relaxed) > 0)
        #expect(try environment.statistics().staleReaders == 0)
    }
}

/// Deletes one key.
private final class DeleteCommand: WriteCommand {
    let durability = Durability.durable
    let recordCount = 1
    let byteCount = 1
    private let table: Table
    private let key: String

    init(_ table: Table, key: String) {
        self.table = table
        self.key = key
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        try transaction.delete(Array(key.utf8).span, in: table)
    }

    func completed(_ outcome: WriteOutcome) {}
}
