// SPDX-License-Identifier: Apache-2.0

import Base
import Synchronization
import Testing

struct SPSCRingTests {
    @Test func `records come out in the order in which they went in`() {
        let ring = SPSCRing<Int>(capacity: 8)
        for round in 0..<5 {
            for value in 0..<6 { #expect(ring.push(10 * round + value)) }
            #expect(ring.count == 6)
            var taken: [Int] = []
            #expect(ring.drain(max: 4) { taken.append($0) } == 4)
            #expect(ring.drain { taken.append($0) } == 2)
            #expect(taken == (0..<6).map { 10 * round + $0 })
            #expect(ring.count == 0)
        }
    }

    @Test func `a ring holds its capacity and refuses and counts one more`() {
        let ring = SPSCRing<UInt8>(capacity: 4)
        for value in 0..<4 { #expect(ring.push(UInt8(value))) }
        #expect(!ring.push(4))
        #expect(!ring.push(5))
        #expect(ring.refusedCount == 2)
        var taken: [UInt8] = []
        ring.drain { taken.append($0) }
        #expect(taken == [0, 1, 2, 3])
        #expect(ring.push(6))
    }

    @Test func `nothing is taken from an empty ring, nor with a limit of none`() {
        let ring = SPSCRing<Int>(capacity: 1)
        #expect(ring.drain { _ in Issue.record("there was none") } == 0)
        ring.push(1)
        #expect(ring.drain(max: 0) { _ in Issue.record("none was wanted") } == 0)
        #expect(ring.drain(max: -1) { _ in Issue.record("none was wanted") } == 0)
        #expect(ring.count == 1)
    }

    @Test func `a capacity that is no power of two is our bug`() async {
        await #expect(processExitsWith: .failure) { _ = SPSCRing<Int>(capacity: 12) }
        await #expect(processExitsWith: .failure) { _ = SPSCRing<Int>(capacity: 0) }
    }

    /// A record whose parts agree, so that a torn one is seen.
    struct Sealed: BitwiseCopyable, Sendable {
        let number: UInt64
        let square: UInt64
        let complement: UInt64

        init(_ number: UInt64) {
            self.number = number
            square = number &* number
            complement = ~number
        }

        var isWhole: Bool { square == number &* number && complement == ~number }
    }

    @Test func `two threads lose nothing but what was refused, and tear nothing`() {
        let ring = SPSCRing<Sealed>(capacity: 64)
        let pushed = 200_000
        let isDone = Atomic(false)
        let seen = Mutex<(count: UInt64, last: UInt64, isWhole: Bool)>((0, 0, true))
        let consumer = Thread(name: "consumer") {
            while true {
                // Asked first: what was pushed before the flag is seen by the drain.
                let isLast = isDone.load(ordering: .acquiring)
                seen.withLock { seen in
                    _ = ring.drain(max: 17) { record in
                        if !record.isWhole || record.number <= seen.last { seen.isWhole = false }
                        seen.last = record.number
                        seen.count += 1
                    }
                }
                if isLast && ring.count == 0 { return }
            }
        }
        let producer = Thread(name: "producer") {
            for number in 1...pushed { ring.push(Sealed(UInt64(number))) }
            isDone.store(true, ordering: .releasing)
        }
        producer.join()
        consumer.join()
        let result = seen.withLock { $0 }
        #expect(result.isWhole)
        #expect(result.count + ring.refusedCount == UInt64(pushed))
        #expect(result.count > 0)
    }
}
