// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc
import Synchronization
import Testing

@testable import Store

/// A map that grows while it is open.
struct GrowthTests {
    let directory = TemporaryDirectory()
    private static let value = [UInt8](repeating: 7, count: 2_000)

    private func open(from mapBytes: Int, to mapBytesMax: Int) throws -> (Environment, Writer) {
        let environment = try Environment(
            at: directory.store, tables: [.any("rows")],
            configuration: EnvironmentConfiguration(
                mapBytes: mapBytes, mapBytesMax: mapBytesMax, readersMax: 8))
        return (environment, try Writer(environment: environment))
    }

    private final class Counts: Sendable {
        let turns = Atomic<Int>(0)
        let failures = Atomic<Int>(0)
        let ended = Atomic<Bool>(false)
    }

    /// Writes the rows of `numbers` in one command.
    private func write(
        _ numbers: Range<Int>, _ environment: Environment, _ writer: Writer
    ) throws -> WriteOutcome {
        let command = TestCommand(
            environment.table("rows"), records: numbers.count, bytes: numbers.count * 2_000,
            steps: numbers.map { .put(key: "\($0)", value: Self.value) })
        try writer.submit(command)
        return command.result
    }

    @Test func `the map doubles up to its bound under readers, who notice nothing`() throws {
        let (environment, writer) = try open(from: 1 << 20, to: 6 << 20)
        #expect(try write(0..<10, environment, writer) == .committed(sequence: 1, .fast))
        let counts = Counts()
        let table = environment.table("rows")
        let readers = (0..<2).map { _ in
            Thread(name: "reads") {
                guard var transaction = try? environment.makeReadTransaction() else { return }
                while !counts.ended.load(ordering: .relaxed) {
                    do {
                        try transaction.renew()
                        let key = Array("7".utf8)
                        let found = try transaction.value(forKey: key.span, in: table)?.count
                        if found != 2_000 { counts.failures.add(1, ordering: .relaxed) }
                        transaction.reset()
                    } catch {
                        counts.failures.add(1, ordering: .relaxed)
                    }
                    counts.turns.add(1, ordering: .relaxed)
                }
            }
        }
        var sizes: Set<Int> = []
        var committed = 10
        var waits = 0
        while committed < 10_000 && waits < 500 {
            sizes.insert(environment.mapBytes)
            if try write(committed..<committed + 10, environment, writer) != .failed(.mapFull) {
                committed += 10
            } else if environment.mapBytes < 6 << 20 {
                // A reader was put to sleep in the middle of its turn.
                usleep(20_000)
                waits += 1
            } else {
                break
            }
        }
        counts.ended.store(true, ordering: .relaxed)
        for reader in readers { reader.join() }
        #expect(sizes == [1 << 20, 2 << 20, 4 << 20, 6 << 20])
        // Of pages of 4,096 bytes, each of which takes one row or two.
        #expect(committed > 1_000 && committed < 3_000)
        #expect(counts.failures.load(ordering: .relaxed) == 0)
        #expect(counts.turns.load(ordering: .relaxed) > 100)
        #expect(try environment.statistics().reopens == 0)
        #expect(try environment.statistics().tables.last?.entries == UInt64(committed))
    }

    @Test func `a command that is larger than what is left goes into a larger map`() throws {
        let (environment, writer) = try open(from: 1 << 20, to: 16 << 20)
        #expect(try write(0..<1_500, environment, writer) == .committed(sequence: 1, .fast))
        #expect([4 << 20, 8 << 20].contains(environment.mapBytes))
        #expect(try environment.statistics().tables.last?.entries == 1_500)
    }

    @Test func `a command that is larger than all of it is refused, and the next is not`() throws {
        let (environment, writer) = try open(from: 1 << 20, to: 2 << 20)
        #expect(try write(0..<1_500, environment, writer) == .failed(.mapFull))
        #expect(environment.mapBytes == 2 << 20)
        #expect(try write(0..<10, environment, writer) == .committed(sequence: 1, .fast))
    }

    @Test func `without a bound above it the map stays as it is`() throws {
        let (environment, writer) = try open(from: 1 << 20, to: 0)
        #expect(try write(0..<1_500, environment, writer) == .failed(.mapFull))
        #expect(environment.mapBytes == 1 << 20)
    }

    @Test func `a reader in its turn is waited for, and writes are refused meanwhile`() throws {
        let (environment, writer) = try open(from: 1 << 20, to: 16 << 20)
        var transaction = try environment.makeReadTransaction()
        #expect(try write(0..<1_500, environment, writer) == .failed(.mapFull))
        #expect(environment.mapBytes == 1 << 20)
        transaction.reset()
        usleep(300_000)
        #expect(try write(0..<1_500, environment, writer) == .committed(sequence: 1, .fast))
        try transaction.renew()
        let key = Array("1499".utf8)
        let count = try transaction.value(forKey: key.span, in: environment.table("rows"))?.count
        #expect(count == 2_000)
    }

    @Test func `a map that grew is opened again with what it holds`() throws {
        do {
            let (environment, writer) = try open(from: 1 << 20, to: 16 << 20)
            #expect(try write(0..<1_500, environment, writer) == .committed(sequence: 1, .fast))
            writer.stop()
        }
        let (environment, writer) = try open(from: 1 << 20, to: 16 << 20)
        #expect(try environment.statistics().tables.last?.entries == 1_500)
        #expect(try write(1_500..<3_000, environment, writer) == .committed(sequence: 2, .fast))
    }
}
