// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc
import Synchronization
import Testing

@testable import Store

struct WriterTests {
    let directory = TemporaryDirectory()

    @Test func `commands that wait are committed as one group, in order`() throws {
        let (environment, writer) = try open()
        let rows = environment.table("rows")
        let gate = try block(writer, rows)
        let commands = (0..<100).map { number in
            TestCommand(rows, steps: [.put(key: "same", value: [UInt8(number)])])
        }
        for command in commands { try writer.submit(command) }
        gate.open()
        let outcomes = commands.map(\.result)
        #expect(outcomes == (2...101).map { .committed(sequence: $0, .fast) })
        #expect(try environment.copy("same", in: rows) == [99])
        #expect(writer.statistics.groups == 1)
        #expect(writer.statistics.commands == 101)
        #expect(writer.statistics.lastSequence == 101)
    }

    @Test func `a group holds 4096 records and not one more`() throws {
        #expect(WriterLimits().groupRecordsMax == 4_096)
        let (environment, writer) = try open()
        let rows = environment.table("rows")
        let gate = try block(writer, rows)
        let commands = (0..<4).map { number in
            TestCommand(
                rows, records: number == 0 ? 2_047 : 2_048, bytes: 16,
                steps: [.put(key: "\(number)", value: [1])])
        }
        for command in commands { try writer.submit(command) }
        gate.open()
        _ = commands.map(\.result)
        writer.stop()
        // The blocking command's 1 record, 2,047 and 2,048 make 4,096; the others make a second group.
        #expect(writer.statistics.groups == 2)
        #expect(writer.statistics.groupRecords.counts[13] == 2)
        #expect(writer.statistics.records == 4_096 + 4_096)
    }

    @Test func `a group holds 4 MiB and not one byte more`() throws {
        #expect(WriterLimits().groupBytesMax == 4 << 20)
        for (last, groups) in [(0, 1), (1, 2)] {
            let directory = TemporaryDirectory()
            let environment = try directory.open()
            var limits = WriterLimits()
            limits.groupDelayMicrosecondsMax = 60_000_000
            let writer = try Writer(environment: environment, limits: limits)
            let rows = environment.table("rows")
            let gate = try block(writer, rows, bytes: 0)
            let commands = [2 << 20, 2 << 20, last].map { bytes in
                TestCommand(rows, bytes: bytes, steps: [.put(key: "\(bytes)", value: [1])])
            }
            for command in commands { try writer.submit(command) }
            gate.open()
            _ = commands.map(\.result)
            writer.stop()
            #expect(writer.statistics.groups == UInt64(groups))
            #expect(writer.statistics.bytes == UInt64(4 << 20 + last))
        }
    }

    @Test func `a group takes nothing more in after 2 ms`() throws {
        #expect(WriterLimits().groupDelayMicrosecondsMax == 2_000)
        let (environment, writer) = try open(delay: 2_000)
        let rows = environment.table("rows")
        let gate = try block(writer, rows)
        let command = TestCommand(rows, key: "late")
        try writer.submit(command)
        usleep(3_000)
        gate.open()
        #expect(command.result == .committed(sequence: 2, .fast))
        writer.stop()
        #expect(writer.statistics.groups == 2)
    }

    @Test func `what waited when a group began goes into it whatever the time`() throws {
        let (environment, writer) = try open(delay: 0)
        let rows = environment.table("rows")
        let gate = try block(writer, rows)
        let commands = (0..<500).map { TestCommand(rows, key: "\($0)") }
        for command in commands { try writer.submit(command) }
        gate.open()
        _ = commands.map(\.result)
        writer.stop()
        #expect(writer.statistics.groups == 2)
    }

    @Test func `a command larger than a group is refused, one as large is not`() throws {
        let (environment, writer) = try open()
        let rows = environment.table("rows")
        let limits = WriterLimits()
        for (records, bytes) in [(limits.groupRecordsMax + 1, 0), (1, limits.groupBytesMax + 1)] {
            let command = TestCommand(rows, records: records, bytes: bytes, steps: [])
            let error = storeError { () throws(StoreError) in try writer.submit(command) }
            #expect(error == .commandTooLarge)
        }
        let command = TestCommand(
            rows, records: limits.groupRecordsMax, bytes: limits.groupBytesMax,
            steps: [.put(key: "A", value: [1])])
        try writer.submit(command)
        #expect(command.result == .committed(sequence: 1, .fast))
    }

    @Test func `the mailbox refuses a command over its count, and takes one again later`() throws {
        var limits = WriterLimits()
        limits.queuedCommandsMax = 3
        try checkFull(limits, bytes: 0, taken: 2)
    }

    @Test func `the mailbox refuses a byte over its bytes, and takes one again later`() throws {
        var limits = WriterLimits()
        limits.queuedBytesMax = 3_000
        try checkFull(limits, bytes: 1_000, taken: 2, blockerBytes: 1_000)
        try checkFull(limits, bytes: 1_000, taken: 1, blockerBytes: 1_001)
    }

    @Test func `a control change is taken into a full mailbox`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        var limits = WriterLimits()
        limits.queuedCommandsMax = 1
        let writer = try Writer(environment: environment, limits: limits)
        let gate = try block(writer, rows)
        let opener = Thread(name: "opener") {
            while writer.statistics.queuedCommands < 2 { usleep(100) }
            gate.open()
        }
        let sequence = try writer.run { _, sequence in sequence }
        opener.join()
        #expect(sequence == 2)
    }

    @Test func `a durable command makes its whole group durable`() throws {
        let (environment, writer) = try open()
        let rows = environment.table("rows")
        let gate = try block(writer, rows)
        let commands = [
            TestCommand(rows, .fast, key: "A"), TestCommand(rows, .durable, key: "B"),
            TestCommand(rows, .fast, key: "C"),
        ]
        for command in commands { try writer.submit(command) }
        gate.open()
        #expect(commands.map(\.result) == (2...4).map { .committed(sequence: $0, .durable) })
        #expect(writer.statistics.syncs == 1)
    }

    @Test func `a fast group is synced when the writer has been idle, once`() throws {
        let (environment, writer) = try open()
        let command = TestCommand(environment.table("rows"), key: "A")
        try writer.submit(command)
        #expect(command.result == .committed(sequence: 1, .fast))
        var waited = 0
        while writer.statistics.syncs == 0 && waited < 500 {
            usleep(10_000)
            waited += 1
        }
        usleep(50_000)
        #expect(writer.statistics.syncs == 1)
    }

    @Test func `a command that refuses itself is left out and the others are committed`() throws {
        let (environment, writer) = try open()
        let rows = environment.table("rows")
        let gate = try block(writer, rows)
        let good = [TestCommand(rows, key: "A"), TestCommand(rows, key: "C")]
        let bad = TestCommand(rows, steps: [.fail(.rejected)])
        let long = String(repeating: "k", count: 512)
        let invalid = TestCommand(rows, steps: [.put(key: long, value: [1])])
        for command in [good[0], bad, invalid, good[1]] { try writer.submit(command) }
        gate.open()
        #expect(bad.result == .failed(.rejected))
        #expect(invalid.result == .failed(.keyLength(512)))
        #expect(
            good.map(\.result) == [
                .committed(sequence: 2, .fast), .committed(sequence: 3, .fast),
            ])
        #expect(good[0].applications.load(ordering: .relaxed) == 1)
        #expect(writer.statistics.groups == 1)
        #expect(writer.statistics.failedCommands == 2)
    }

    @Test func `a command that fails after writing leaves nothing and costs the others nothing`()
        throws
    {
        let (environment, writer) = try open()
        let rows = environment.table("rows")
        let gate = try block(writer, rows)
        let good = [TestCommand(rows, key: "A"), TestCommand(rows, key: "C")]
        let bad = [
            TestCommand(rows, steps: [.put(key: "B", value: [1]), .fail(.rejected)]),
            TestCommand(rows, steps: [.put(key: "A", value: [2]), .fail(.rejected)]),
        ]
        for command in [good[0], bad[0], good[1], bad[1]] { try writer.submit(command) }
        gate.open()
        #expect(bad.map(\.result) == [.failed(.rejected), .failed(.rejected)])
        #expect(
            good.map(\.result) == [
                .committed(sequence: 2, .fast), .committed(sequence: 3, .fast),
            ])
        #expect(try environment.copy("A", in: rows) == Array("value".utf8))
        #expect(try environment.copy("B", in: rows) == nil)
        #expect(try environment.copy("C", in: rows) == Array("value".utf8))
        // Each of the two closes its group, so that no command is applied more than twice.
        #expect(writer.statistics.groups == 2)
        #expect(good.map { $0.applications.load(ordering: .relaxed) } == [2, 2])
        #expect(bad.map { $0.applications.load(ordering: .relaxed) } == [1, 1])
    }

    @Test func `a group in which every command fails commits nothing`() throws {
        let (environment, writer) = try open()
        let rows = environment.table("rows")
        let before = try environment.statistics().lastTransactionID
        let command = TestCommand(rows, steps: [.fail(.rejected)])
        try writer.submit(command)
        #expect(command.result == .failed(.rejected))
        #expect(writer.statistics.groups == 0)
        #expect(try environment.statistics().lastTransactionID == before)
    }

    @Test func `a control change runs once, alone, durable, and returns its result`() throws {
        let (environment, writer) = try open()
        let rows = environment.table("rows")
        let command = TestCommand(rows, key: "A")
        try writer.submit(command)
        let runs = Runs()
        let sequence = try writer.run { transaction, sequence in
            runs.count.add(1, ordering: .relaxed)
            try transaction.put([1].span, forKey: [66].span, in: rows)
            return sequence
        }
        #expect(sequence == 2)
        #expect(runs.count.load(ordering: .relaxed) == 1)
        #expect(try environment.copy("B", in: rows) == [1])
        #expect(writer.statistics.groups == 2)
        #expect(writer.statistics.syncs >= 1)
    }

    @Test func `the write sequence goes on where it ended before the store was closed`() throws {
        for round in 0..<3 {
            let (environment, writer) = try open()
            let rows = environment.table("rows")
            for number in 1...5 {
                let command = TestCommand(rows, key: "\(number)")
                try writer.submit(command)
                #expect(
                    command.result == .committed(sequence: UInt64(5 * round + number), .fast))
            }
        }
    }

    @Test func `stop completes everything that was queued, and syncs it`() throws {
        let (environment, writer) = try open()
        let rows = environment.table("rows")
        let gate = try block(writer, rows)
        let commands = (0..<1_000).map { TestCommand(rows, key: "\($0)") }
        for command in commands { try writer.submit(command) }
        gate.open()
        writer.stop()
        #expect(writer.statistics.queuedCommands == 0)
        #expect(writer.statistics.queuedBytes == 0)
        #expect(writer.statistics.syncs == 1)
        for command in commands {
            guard case .committed = command.result else {
                Issue.record("a queued command was not committed")
                return
            }
        }
        let error = storeError { () throws(StoreError) in
            try writer.submit(TestCommand(rows, key: "late"))
        }
        #expect(error == .stopped)
        writer.stop()
        let next = try Writer(environment: environment)
        #expect(next.statistics.lastSequence == 1_001)
    }

    @Test func `many threads submit at once and every command is committed once`() throws {
        let (environment, writer) = try open()
        let rows = environment.table("rows")
        let commands = (0..<4).map { thread in
            (0..<2_000).map { TestCommand(rows, key: "\(thread)/\($0)") }
        }
        let threads = commands.map { commands in
            Thread(name: "submitter") {
                for command in commands {
                    while (try? writer.submit(command)) == nil { usleep(100) }
                }
            }
        }
        for thread in threads { thread.join() }
        writer.stop()
        var sequences: Set<UInt64> = []
        for command in commands.joined() {
            if case .committed(let sequence, _) = command.result { sequences.insert(sequence) }
        }
        #expect(sequences.count == 8_000)
        #expect(sequences.max() == 8_000)
        #expect(try environment.statistics().tables.first { $0.name == "rows" }?.entries == 8_000)
    }

    // MARK: - Setting up

    private final class Runs: Sendable {
        let count = Atomic<Int>(0)
    }

    private func open(delay: UInt64 = 60_000_000) throws -> (Environment, Writer) {
        let environment = try directory.open()
        var limits = WriterLimits()
        limits.groupDelayMicrosecondsMax = delay
        return (environment, try Writer(environment: environment, limits: limits))
    }

    private func checkFull(
        _ limits: WriterLimits, bytes: Int, taken: Int, blockerBytes: Int = 0
    ) throws {
        let directory = TemporaryDirectory()
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment, limits: limits)
        let gate = try block(writer, rows, bytes: blockerBytes)
        let commands = (0...taken).map { number in
            TestCommand(rows, bytes: bytes, steps: [.put(key: "\(number)", value: [1])])
        }
        for command in commands.dropLast() { try writer.submit(command) }
        let error = storeError { () throws(StoreError) in try writer.submit(commands[taken]) }
        #expect(error == .queueFull)
        #expect(writer.statistics.queuedCommands == taken + 1)
        gate.open()
        _ = commands.dropLast().map(\.result)
        try writer.submit(commands[taken])
        #expect(commands[taken].result != .failed(.queueFull))
    }
}

/// Holds the writer inside a command until the gate that is returned is opened.
func block(_ writer: Writer, _ table: Table, bytes: Int = 16) throws -> Gate {
    let gate = Gate()
    let entered = Gate()
    let command = BlockingCommand(bytes: bytes, entered: entered, gate: gate)
    try writer.submit(command)
    entered.wait()
    return gate
}

/// A command that writes nothing and keeps the writer waiting.
final class BlockingCommand: WriteCommand {
    let durability = Durability.fast
    let recordCount = 1
    let byteCount: Int
    private let entered: Gate
    private let gate: Gate

    init(bytes: Int, entered: Gate, gate: Gate) {
        byteCount = bytes
        self.entered = entered
        self.gate = gate
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        entered.open()
        gate.wait()
    }

    func completed(_ outcome: WriteOutcome) {}
}
