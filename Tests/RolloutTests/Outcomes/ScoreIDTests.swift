// SPDX-License-Identifier: Apache-2.0

import Base
import Rollout
import Testing

struct ScoreIDTests {
    @Test func `an id says its lane and its time, and survives bytes and digits`() throws {
        var random = SeededGenerator(seed: 71)
        for _ in 0..<1_000 {
            let lane = UInt32.random(in: 0 ... .max, using: &random)
            let time = Int64.random(in: 0...ScoreID.microsecondsMax, using: &random)
            let serial = UInt64.random(in: 0 ... .max, using: &random)
            let id = ScoreID(lane: lane, microseconds: time, serial: serial)
            #expect(id.lane == lane)
            #expect(id.microseconds == time)
            let bytes = id.bytes
            let read = ScoreID(bytes: bytes.span)
            #expect(read == id)
            #expect(ScoreID(hexadecimal: id.hexadecimal) == id)
            #expect(ScoreID(hexadecimal: id.hexadecimal.uppercased()) == id)
        }
    }

    @Test func `the order of ids is that of their bytes: lane, time, serial`() {
        var random = SeededGenerator(seed: 72)
        let ids = (0..<300).map { _ in
            ScoreID(
                lane: UInt32.random(in: 0...2, using: &random) << 30,
                microseconds: Int64.random(in: 0...3, using: &random) << 54,
                serial: UInt64.random(in: 0...5, using: &random) << 37)
        }
        for (one, other) in zip(ids, ids.dropFirst()) {
            #expect((one < other) == one.bytes.lexicographicallyPrecedes(other.bytes))
            #expect(one == other || (one < other) != (other < one))
        }
        let sorted = ids.filter { $0.lane == 1 << 30 }.sorted()
        #expect(sorted.map(\.microseconds) == sorted.map(\.microseconds).sorted())
    }

    @Test func `the next id is the least that is greater`() {
        let id = ScoreID(lane: 7, microseconds: 1_000, serial: ScoreID.serialMax)
        #expect(id.next == ScoreID(lane: 7, microseconds: 1_001, serial: 0))
        let last = ScoreID(
            lane: 7, microseconds: ScoreID.microsecondsMax, serial: ScoreID.serialMax)
        #expect(last.next == ScoreID(lane: 8, microseconds: 0, serial: 0))
        #expect(
            ScoreID.last(lane: 7, microseconds: 1_000) == id)
    }

    @Test func `a time that no id can hold is clamped`() {
        #expect(ScoreID(lane: 1, microseconds: -5, serial: 0).microseconds == 0)
        #expect(
            ScoreID(lane: 1, microseconds: .max, serial: 0).microseconds
                == ScoreID.microsecondsMax)
    }

    @Test(arguments: [
        "", "0", String(repeating: "0", count: 31), String(repeating: "0", count: 33),
        String(repeating: "g", count: 32), " " + String(repeating: "0", count: 31),
        "+" + String(repeating: "0", count: 31), "0x" + String(repeating: "0", count: 30),
        String(repeating: "é", count: 16),
    ])
    func `what is not 32 hexadecimal digits is no id`(text: String) {
        #expect(ScoreID(hexadecimal: text) == nil)
    }

    @Test func `bytes of another length are no id`() {
        for count in [0, 15, 17] {
            let bytes = [UInt8](repeating: 1, count: count)
            let read = ScoreID(bytes: bytes.span)
            #expect(read == nil)
        }
    }

    @Test func `the lane of a scorer never changes: ids outlive releases`() {
        let name = Array("cart_abandonment".utf8)
        // FNV-1a with the separator and fmix64, as Python computes it.
        let lane = ScoreID.lane(of: name.span)
        #expect(lane == 0x9123_83F5)
    }
}
