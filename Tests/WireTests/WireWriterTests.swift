// SPDX-License-Identifier: Apache-2.0

import Base
import Testing
import Wire

@Suite struct WireWriterTests {
    @Test func `scalars are written as the encoding guide says`() {
        #expect(written { w in w.uint64(1, 150) } == [0x08, 0x96, 0x01])
        #expect(
            written { w in w.int32(1, -1) } == [0x08] + [UInt8](repeating: 0xff, count: 9) + [1])
        #expect(written { w in w.sint64(1, -2) } == [0x08, 0x03])
        #expect(written { w in w.sint64(1, .min) } == [0x08] + varint(.max, byteCount: 10))
        #expect(written { w in w.bool(16, true) } == [0x80, 0x01, 0x01])
        #expect(written { w in w.float(1, 1) } == [0x0d, 0, 0, 0x80, 0x3f])
        #expect(written { w in w.double(1, 1) } == [0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f])
        #expect(written { w in w.sfixed32(1, -2) } == [0x0d, 0xfe, 0xff, 0xff, 0xff])
        #expect(written { w in w.string(2, "testing") } == [0x12, 7] + Array("testing".utf8))
        #expect(written { w in w.bytes(2, []) } == [0x12, 0])
    }

    @Test func `packed values are one run and no values are nothing`() {
        #expect(
            written { w in w.packed(6, uint32: [3, 270, 86_942]) }
                == [0x32, 6, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05])
        #expect(
            written { w in w.packed(1, float: [1, -0.0]) }
                == [0x0a, 8, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x80])
        #expect(
            written { w in w.packed(1, double: [1]) }
                == [0x0a, 8, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f])
        #expect(written { w in w.packed(1, sint64: [-1, 1]) } == [0x0a, 2, 1, 2])
        #expect(written { w in w.packed(1, bool: [true, false]) } == [0x0a, 2, 1, 0])
        #expect(
            written { w in
                w.packed(1, float: [])
                w.packed(2, uint64: [])
            }.isEmpty)
    }

    @Test(arguments: [0, 1, 127, 128, 129, 16_383, 16_384, 2_097_151, 2_097_152])
    func `a nested message of any length has its length before it`(count: Int) throws {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let bytes = written { writer in
            writer.uint64(1, 1)
            writer.nested(2) { writer in writer.append(content.span) }
            writer.uint64(3, 3)
        }
        let expected = written { writer in
            writer.uint64(1, 1)
            writer.bytes(2, content)
            writer.uint64(3, 3)
        }
        #expect(bytes == expected)
    }

    @Test func `maps are written in the order of their keys' bytes`() {
        let keys = ["b", "", "ä", "a", "aa", "z", "\u{1f9c0}"]
        let map = Dictionary(uniqueKeysWithValues: keys.map { ($0, "v") })
        let expected = written { writer in
            for key in ["", "a", "aa", "b", "z", "ä", "\u{1f9c0}"] {
                writer.nested(3) { writer in
                    writer.string(1, key)
                    writer.string(2, "v")
                }
            }
        }
        #expect(written { writer in writer.map(3, map) } == expected)
    }

    @Test func `a writer that is emptied keeps its storage`() {
        var writer = WireWriter(capacity: 64)
        for _ in 0..<10 {
            writer.removeAll()
            for field in 1...8 as ClosedRange<UInt32> { writer.fixed32(field, 7) }
            let count = writer.count
            let capacity = writer.buffer.capacity
            #expect(count == 40)
            #expect(capacity == 64)
        }
    }

    @Test func `random messages come back equal, and no part of one makes trouble`() throws {
        let seed: UInt64 = 20_261_120
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let node = Self.node(&random, depth: 3)
            let bytes = written { writer in node.encode(into: &writer) }
            #expect(try Node(decoding: bytes.span) == node, "seed \(seed)")
            for count in 0..<min(bytes.count, 300) {
                // A prefix is a message or is refused; it must not trap.
                _ = try? Node(decoding: Array(bytes.prefix(count)).span)
            }
            var spoilt = bytes
            for _ in 0..<20 where !spoilt.isEmpty {
                spoilt[Int.random(in: spoilt.indices, using: &random)] = .random(
                    in: 0...255, using: &random)
                _ = try? Node(decoding: spoilt.span)
            }
        }
    }

    private static func node(_ random: inout SeededGenerator, depth: Int) -> Node {
        var node = Node()
        let count = depth > 0 ? Int.random(in: 0...3, using: &random) : 0
        for _ in 0..<count { node.children.append(Self.node(&random, depth: depth - 1)) }
        node.name = ["", "cart", "Käse 🧀"].randomElement(using: &random)!
        node.float = .random(in: -1...1, using: &random)
        node.double = .random(in: -1e300...1e300, using: &random)
        node.fixed32 = .random(in: 0 ... .max, using: &random)
        node.fixed64 = .random(in: 0 ... .max, using: &random)
        node.sfixed32 = .random(in: .min ... .max, using: &random)
        node.sfixed64 = .random(in: .min ... .max, using: &random)
        node.int32 = .random(in: .min ... .max, using: &random)
        node.int64 = .random(in: .min ... .max, using: &random)
        node.sint32 = .random(in: .min ... .max, using: &random)
        node.sint64 = .random(in: .min ... .max, using: &random)
        node.uint32 = .random(in: 0 ... .max, using: &random)
        node.uint64 = .random(in: 0 ... .max, using: &random)
        node.bool = .random(using: &random)
        node.bytes = (0..<Int.random(in: 0...200, using: &random)).map { UInt8($0) }
        if Bool.random(using: &random) { node.labels = ["team": "checkout", "": "x"] }
        return node
    }
}
