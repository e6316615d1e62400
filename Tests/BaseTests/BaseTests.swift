// SPDX-License-Identifier: Apache-2.0

import Base
import Testing

@Test func `CRC-32C of the check string is the published value`() {
    let bytes = Array("123456789".utf8)
    #expect(CRC32C.checksum(bytes.span) == 0xE306_9283)
    #expect(CRC32C.checksumByTable(bytes.span) == 0xE306_9283)
}

@Test func `both CRC-32C paths agree on every length and split`() {
    var generator = SeededGenerator(seed: 7)
    for length in 0..<100 {
        let bytes = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let whole = CRC32C.checksum(bytes.span)
        #expect(whole == CRC32C.checksumByTable(bytes.span))
        let cut = Int.random(in: 0...length, using: &generator)
        let head = CRC32C.checksum(bytes.span.extracting(first: cut))
        #expect(
            CRC32C.checksum(bytes.span.extracting(droppingFirst: cut), continuing: head) == whole)
    }
}

@Test func `a seeded generator repeats the published SplitMix64 sequence`() {
    var generator = SeededGenerator(seed: 1_234_567)
    #expect(generator.next() == 6_457_827_717_110_365_317)
    #expect(generator.next() == 3_203_168_211_198_807_973)
}

@Test func `monotonic time saturates instead of overflowing`() {
    let late = MonotonicTime(nanoseconds: .max - 1)
    #expect(late.advanced(byNanoseconds: 5) == .distantFuture)
    #expect(MonotonicTime(nanoseconds: 3).nanoseconds(since: late) == 0)
}

@Test func `a gap moves the bytes behind it and no others`() {
    for (start, width) in [(0, 3), (2, 1), (5, 4), (3, 0)] {
        var buffer = ByteBuffer(capacity: 0)
        buffer.append([1, 2, 3, 4, 5].span)
        buffer.makeGap(at: start, byteCount: width)
        let bytes = buffer.bytes.indices.map { buffer.bytes[$0] }
        #expect(Array(bytes[..<start]) == Array([1, 2, 3, 4, 5][..<start]))
        #expect(Array(bytes[(start + width)...]) == Array([1, 2, 3, 4, 5][start...]))
    }
}

@Test func `a byte buffer keeps its bytes while it grows and its storage while it empties`() {
    var buffer = ByteBuffer(capacity: 0)
    let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }
    buffer.append(bytes.span)
    buffer.append(7)
    buffer.appendZeros(3)
    #expect(buffer.count == 1_004)
    #expect(buffer.bytes.indices.allSatisfy { $0 >= 1_000 || buffer.bytes[$0] == bytes[$0] })
    buffer.removeFirst(1_000)
    #expect(buffer.count == 4)
    #expect(buffer.bytes[0] == 7)
    let capacity = buffer.capacity
    buffer.removeAll()
    let emptied = buffer.isEmpty
    #expect(emptied)
    #expect(buffer.capacity == capacity)
}

@Test(arguments: ["cart", "cart@1", "cart@4294967295"])
func `a versioned name is a name and perhaps a number`(text: String) throws {
    let reference = try #require(VersionedName(text))
    #expect(reference.name == "cart")
    #expect(text == (reference.version == 0 ? "cart" : "cart@\(reference.version)"))
}

@Test(arguments: [
    "", "@1", "cart@", "cart@0", "cart@01", "cart@+1", "cart@-1", "cart@ 1", "cart@1 ", "cart@1@1",
    "cart@4294967296", "cart@1_0", "Cart@1", "cart@\u{661}",
])
func `what spells no version names nothing`(text: String) {
    #expect(VersionedName(text) == nil)
}

@Test func `a wait with an end takes what is there, and ends`() {
    let semaphore = Semaphore()
    semaphore.signal()
    let found = semaphore.wait(until: MonotonicTime(nanoseconds: 0))
    let foundAgain = semaphore.wait(until: MonotonicTime(nanoseconds: 0))
    #expect(found && !foundAgain)
    let begun = MonotonicTime.now()
    let foundLater = semaphore.wait(until: begun.advanced(byNanoseconds: 30_000_000))
    #expect(!foundLater)
    #expect(MonotonicTime.now().nanoseconds(since: begun) >= 30_000_000)
    semaphore.signal()
    let foundAtOnce = semaphore.wait(until: .distantFuture)
    #expect(foundAtOnce)
}
