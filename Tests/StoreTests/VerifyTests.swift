// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc
import Synchronization
import Testing

@testable import Store

struct VerifyTests {
    let directory = TemporaryDirectory()

    /// 16 bytes that follow from the number, and their checksum.
    private static func value(_ number: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: UInt64(number))
        var bytes: [UInt8] = []
        for _ in 0..<16 { bytes.append(UInt8(truncatingIfNeeded: generator.next())) }
        return bytes + checksum(bytes.span)
    }

    private static func checksum(_ bytes: Span<UInt8>) -> [UInt8] {
        let sum = CRC32C.checksum(bytes)
        return (0..<4).map { UInt8(truncatingIfNeeded: sum >> UInt32(8 * $0)) }
    }

    private static func isWhole(_ value: Span<UInt8>) -> Bool {
        guard value.count == 20 else { return false }
        let expected = checksum(value.extracting(first: 16))
        return (0..<4).allSatisfy { value[16 + $0] == expected[$0] }
    }

    private func fill(_ count: Int) throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        try writer.run { transaction, _ in
            for number in 0..<count {
                let key = Array("key-\(number)".utf8)
                try transaction.put(Self.value(number).span, forKey: key.span, in: rows)
            }
        }
    }

    private func verify(_ pace: VerificationPace = VerificationPace()) throws -> Verification {
        let environment = try directory.open()
        return try environment.verify(pace: pace) { table, _, value in
            table != "rows" || Self.isWhole(value)
        }
    }

    @Test func `every entry is seen once, whatever the size of a slice`() throws {
        try fill(2_000)
        for size in [1, 7, 1_999, 2_000, 10_000] {
            var pace = VerificationPace()
            pace.sliceEntriesMax = size
            pace.sliceMicrosecondsMax = 10_000_000
            let result = try verify(pace)
            #expect(result.isSound)
            #expect(result.tables.map(\.name) == ["aligned", "meta", "rows"])
            #expect(result.tables[2].entries == 2_000)
            #expect(result.slices >= 2_000 / size)
        }
    }

    @Test func `a slice ends by its time, and the work is gone on with`() throws {
        try fill(2_000)
        var pace = VerificationPace()
        pace.sliceMicrosecondsMax = 0
        let result = try verify(pace)
        #expect(result.isSound)
        #expect(result.tables[2].entries == 2_000)
        #expect(result.slices > 20)
    }

    @Test func `the pace is kept, and a stop is heard`() throws {
        try fill(1_000)
        var pace = VerificationPace()
        pace.sliceEntriesMax = 100
        let bytes = try verify(pace).tables.reduce(0) { $0 + $1.bytes }
        pace.bytesPerSecond = bytes * 5
        let started = MonotonicTime.now()
        #expect(try verify(pace).isSound)
        #expect(MonotonicTime.now().nanoseconds(since: started) >= 190_000_000)
        let asked = StopAfter(3)
        pace.bytesPerSecond = nil
        pace.isStopped = { asked.next() }
        let result = try verify(pace)
        #expect(result.isStopped)
        #expect(!result.isSound)
        #expect(result.entries < 1_000)
    }

    @Test func `what is written meanwhile disturbs nothing, and no snapshot is kept`() throws {
        try fill(5_000)
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        var pace = VerificationPace()
        pace.sliceEntriesMax = 50
        var seen = 0
        let result = try environment.verify(pace: pace) { table, key, value in
            seen += 1
            if seen % 50 == 0 {
                // The last key of the slice is deleted under it, and another put in its place.
                let name = key.indices.map { key[$0] }
                let number = seen
                try? writer.run { transaction, _ in
                    if table == "rows" { try transaction.delete(name.span, in: rows) }
                    try transaction.put(
                        Self.value(number).span, forKey: (name + [0]).span, in: rows)
                }
            }
            return table != "rows" || Self.isWhole(value)
        }
        #expect(result.isSound)
        #expect(result.tables[2].entries >= 4_900)
        #expect(try environment.statistics().readerLag == 0)
    }

    @Test func `a flipped bit in a value is found, named, and the rest is seen`() throws {
        try fill(500)
        let path = directory.store + "/data.mdb"
        let whole = contents(path, limit: 1 << 17)
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<40 {
            let number = Int(generator.next() % 500)
            let value = Self.value(number)
            // Copies of it may lie in pages that are free; only the newest counts, so flip all.
            let places = offsets(of: value, in: whole)
            #expect(!places.isEmpty)
            let bit = Int(generator.next() % 160)
            for place in places { flip(path, at: place + bit / 8, bit: bit % 8) }
            let result = try verify()
            #expect(result.refused == 1)
            #expect(result.tables[2].refusedKeys == [Array("key-\(number)".utf8)])
            #expect(result.tables[2].entries == 500)
            #expect(!result.isSound)
            for place in places { flip(path, at: place + bit / 8, bit: bit % 8) }
        }
        #expect(try verify().isSound)
    }

    private func offsets(of needle: [UInt8], in bytes: [UInt8]) -> [Int] {
        bytes.indices.filter { place in
            bytes[place] == needle[0] && bytes.count - place >= needle.count
                && needle.indices.allSatisfy { bytes[place + $0] == needle[$0] }
        }
    }

    private func flip(_ path: String, at offset: Int, bit: Int) {
        let file = unsafe open(path, O_RDWR)
        var byte: UInt8 = 0
        #expect(unsafe pread(file, &byte, 1, off_t(offset)) == 1)
        byte ^= 1 << UInt8(bit)
        #expect(unsafe pwrite(file, &byte, 1, off_t(offset)) == 1)
        close(file)
    }

    private func contents(_ path: String, limit: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        let file = unsafe open(path, O_RDONLY)
        let count = unsafe read(file, &bytes, limit)
        close(file)
        return Array(bytes.prefix(count))
    }
}

/// Says no a number of times, then yes.
private final class StopAfter: Sendable {
    private let left: Atomic<Int>

    init(_ count: Int) { left = Atomic(count) }

    func next() -> Bool { left.subtract(1, ordering: .relaxed).newValue < 0 }
}
