// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import Store

struct WriterFailureTests {
    let directory = TemporaryDirectory()

    @Test func `a full map fails the group by its own name, and a smaller write goes on`() throws {
        let environment = try directory.open(mapBytes: 1 << 20)
        let rows = environment.table("rows")
        var limits = WriterLimits()
        limits.groupDelayMicrosecondsMax = 10_000_000
        let writer = try Writer(environment: environment, limits: limits)
        let first = TestCommand(rows, key: "first")
        try writer.submit(first)
        #expect(first.result == .committed(sequence: 1, .fast))
        let gate = try block(writer, rows)
        let innocent = TestCommand(rows, key: "innocent")
        let large = TestCommand(
            rows, steps: [.put(key: "large", value: [UInt8](repeating: 1, count: 1 << 20))])
        try writer.submit(innocent)
        try writer.submit(large)
        gate.open()
        #expect(innocent.result == .failed(.mapFull))
        #expect(large.result == .failed(.mapFull))
        #expect(try environment.copy("first", in: rows) != nil)
        #expect(try environment.copy("innocent", in: rows) == nil)
        let later = TestCommand(rows, .durable, key: "later")
        try writer.submit(later)
        #expect(later.result == .committed(sequence: 2, .durable))
        #expect(environment.writeRefusal == nil)
        #expect(writer.statistics.failedGroups == 1)
    }

    @Test func `a map filled row by row refuses rows, keeps all acknowledged and takes deletes`()
        throws
    {
        let environment = try directory.open(mapBytes: 4 << 20)
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        var acknowledged: [String] = []
        var refused = 0
        while refused == 0 && acknowledged.count < 10_000 {
            let keys = (0..<100).map { "\(acknowledged.count)/\($0)" }
            let commands = keys.map { key in
                TestCommand(
                    rows, steps: [.put(key: key, value: [UInt8](repeating: 1, count: 1_000))])
            }
            for command in commands { try writer.submit(command) }
            for (key, command) in zip(keys, commands) {
                if case .committed = command.result {
                    acknowledged.append(key)
                } else {
                    #expect(command.result == .failed(.mapFull))
                    refused += 1
                }
            }
        }
        #expect(acknowledged.count > 2_000)
        #expect(refused > 0)
        let entries = try environment.statistics().tables.first { $0.name == "rows" }?.entries
        #expect(entries == UInt64(acknowledged.count))
        // Everything can be deleted, with a put beside the deletes, and then rows are taken again.
        for start in stride(from: 0, to: acknowledged.count, by: 50) {
            let keys = acknowledged[start..<min(start + 50, acknowledged.count)]
            try writer.run { transaction, _ in
                try transaction.put([1].span, forKey: [1].span, in: rows)
                for key in keys {
                    #expect(try transaction.delete(Array(key.utf8).span, in: rows))
                }
            }
        }
        let later = TestCommand(rows, key: "later")
        try writer.submit(later)
        guard case .committed = later.result else {
            Issue.record("an emptied map refuses a row: \(later.result)")
            return
        }
    }

    @Test func `a commit that fails with EIO fails its group and makes the store read-only`() throws
    {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        let first = TestCommand(rows, key: "first")
        try writer.submit(first)
        #expect(first.result == .committed(sequence: 1, .fast))
        environment.faults.arm(.commit, .fail(errno: EIO), times: 1)
        let second = TestCommand(rows, key: "second")
        try writer.submit(second)
        #expect(second.result == .failed(.writeFailed(errno: EIO)))
        try expectReadOnly(environment, writer)
        #expect(try environment.copy("first", in: rows) != nil)
        #expect(try environment.copy("second", in: rows) == nil)
    }

    @Test func `a failed sync fails durable commands only, and makes the store read-only`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        environment.faults.arm(.sync, .fail(errno: EIO))
        let gate = try block(writer, rows)
        let fast = TestCommand(rows, .fast, key: "fast")
        let durable = TestCommand(rows, .durable, key: "durable")
        try writer.submit(fast)
        try writer.submit(durable)
        gate.open()
        #expect(fast.result == .committed(sequence: 2, .fast))
        #expect(durable.result == .failed(.writeFailed(errno: EIO)))
        try expectReadOnly(environment, writer)
        #expect(try environment.copy("fast", in: rows) != nil)
    }

    @Test func `a failed sync of an idle writer makes the store read-only`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        environment.faults.arm(.sync, .fail(errno: EIO))
        let command = TestCommand(rows, key: "A")
        try writer.submit(command)
        #expect(command.result == .committed(sequence: 1, .fast))
        var waited = 0
        while environment.writeRefusal == nil && waited < 500 {
            usleep(10_000)
            waited += 1
        }
        try expectReadOnly(environment, writer)
    }

    @Test func `commands queued behind the failure fail with the read-only error`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        var limits = WriterLimits()
        limits.groupRecordsMax = 1
        let writer = try Writer(environment: environment, limits: limits)
        environment.faults.arm(.commit, .fail(errno: EIO))
        let gate = try block(writer, rows)
        let commands = (0..<3).map { TestCommand(rows, key: "\($0)") }
        for command in commands { try writer.submit(command) }
        gate.open()
        #expect(
            commands.map(\.result) == [.failed(.readOnlyLatched)]
                + Array(
                    repeating: .failed(.readOnlyLatched), count: 2))
        writer.stop()
        #expect(writer.statistics.queuedCommands == 0)
    }

    @Test func `a full disk fails the group, is named as such and does not latch`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        environment.faults.arm(.commit, .fail(errno: ENOSPC), times: 1)
        let command = TestCommand(rows, key: "A")
        try writer.submit(command)
        #expect(command.result == .failed(.diskFull))
        let later = TestCommand(rows, key: "B")
        try writer.submit(later)
        #expect(later.result == .committed(sequence: 1, .fast))
    }

    @Test func `a command that swallows a failed write fails its group all the same`() throws {
        let environment = try directory.open(mapBytes: 1 << 20)
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        #expect(throws: StoreError.mapFull) {
            try writer.run { transaction, _ in
                try? transaction.put(
                    [UInt8](repeating: 1, count: 2 << 20).span, forKey: [65].span, in: rows)
            }
        }
        #expect(try environment.copy("A", in: rows) == nil)
    }

    @Test func `a fault can be armed for the n-th hit, a number of times`() {
        let faults = FaultPoints()
        #expect(faults.hit(.commit) == nil)
        faults.arm(.commit, .fail(errno: 5), skipping: 2, times: 2)
        #expect((0..<6).map { _ in faults.hit(.commit) } == [nil, nil, 5, 5, nil, nil])
        #expect(faults.hit(.sync) == nil)
        faults.arm(.sync, .fail(errno: 6))
        faults.disarm()
        #expect(faults.hit(.sync) == nil)
    }

    private func expectReadOnly(_ environment: Environment, _ writer: Writer) throws {
        let rows = environment.table("rows")
        #expect(environment.writeRefusal == .readOnlyLatched)
        let error = storeError { () throws(StoreError) in
            try writer.submit(TestCommand(rows, key: "refused"))
        }
        #expect(error == .readOnlyLatched)
        #expect(throws: StoreError.readOnlyLatched) { try writer.run { _, _ in } }
        #expect(try environment.copy("refused", in: rows) == nil)
    }
}
