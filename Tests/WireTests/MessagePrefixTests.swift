// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@Suite struct MessagePrefixTests {
    @Test func `a prefix is a flag and a big-endian length`() throws {
        let bytes: [UInt8] = [1, 0x12, 0x34, 0x56, 0x78, 0xff]
        let prefix = try #require(try MessagePrefix(bytes.span))
        #expect(prefix == MessagePrefix(isCompressed: true, messageByteCount: 0x1234_5678))
    }

    @Test(arguments: 0..<5) func `fewer than five bytes are no prefix yet`(count: Int) throws {
        let bytes = [UInt8](repeating: 0, count: count)
        #expect(try MessagePrefix(bytes.span) == nil)
    }

    @Test func `a flag above 1 is refused`() {
        #expect(throws: WireError.invalidTag(field: 0)) {
            try MessagePrefix(([2, 0, 0, 0, 0] as [UInt8]).span)
        }
    }

    @Test func `messages are written one after the other, each with its prefix`() throws {
        let node = Node(name: String(repeating: "x", count: 300))
        let bytes = written { writer in
            writer.prefixed(node)
            let start = writer.beginPrefixed()
            writer.endPrefixed(start)
            writer.prefixed(node)
        }
        let first = try #require(try MessagePrefix(bytes.span))
        let end = 5 + Int(first.messageByteCount)
        #expect(first.messageByteCount > 300)
        #expect(!first.isCompressed)
        #expect(Array(bytes[end..<end + 5]) == [0, 0, 0, 0, 0])
        #expect(bytes.count == 2 * end + 5)
        #expect(try Node(decoding: Array(bytes[5..<end]).span) == node)
        #expect(Array(bytes[(end + 5)...]) == Array(bytes[..<end]))
    }
}
