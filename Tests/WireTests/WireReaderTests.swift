// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@Suite struct WireReaderTests {
    @Test func `a varint of ten bytes is read and one of eleven is refused`() {
        for count in 1...10 {
            var value: UInt64 = 0
            let error = failure(varint(1, byteCount: count)) { reader throws(WireError) in
                value = try reader.varint()
            }
            #expect(error == nil && value == 1)
        }
        let bytes = varint(1, byteCount: 11)
        #expect(
            failure(bytes) { r throws(WireError) in _ = try r.varint() }
                == .overlongVarint(field: 0))
    }

    @Test func `bits above the 64th are dropped`() throws {
        let bytes = [UInt8](repeating: 0xff, count: 9) + [0x7f]
        var reader = WireReader(bytes.span)
        #expect(try reader.varint() == .max)
    }

    @Test func `varints too wide for their type lose their upper bits`() throws {
        let bytes = varint(1 << 32 | 5, byteCount: 5)
        var reader = WireReader(bytes.span)
        #expect(try reader.int32() == 5)
        reader = WireReader(bytes.span)
        #expect(try reader.uint32() == 5)
        reader = WireReader(bytes.span)
        #expect(try reader.sint32() == -3)
        reader = WireReader(bytes.span)
        #expect(try reader.bool())
    }

    @Test func `a tag of five bytes is read and one of six is refused`() {
        #expect(skipAll(varint(8, byteCount: 5) + [0]) == nil)
        #expect(skipAll(varint(8, byteCount: 6) + [0]) == .invalidTag(field: 0))
    }

    @Test func `the largest field number is read and one more is refused`() {
        #expect(skipAll(varint((1 << 29 - 1) << 3, byteCount: 5) + [0]) == nil)
        #expect(skipAll(varint(1 << 32, byteCount: 5) + [0]) == .invalidTag(field: 0))
    }

    @Test(arguments: 0..<8 as Range<UInt8>)
    func `field 0 is refused whatever its wire type`(type: UInt8) {
        #expect(skipAll([type] + [UInt8](repeating: 0, count: 8)) == .invalidTag(field: 0))
    }

    @Test func `field 0 passes where no field is looked up, as in the reference`() {
        #expect(skipAll([0x0b, 0x00, 0x05, 0x0c]) == nil)
        #expect(failure([0x00, 0x05]) { r throws(WireError) in try r.skipRest() } == nil)
    }

    @Test func `wire types 6 and 7 are refused, in a group too`() {
        for type: UInt8 in [6, 7] {
            #expect(skipAll([8 | type, 0]) == .invalidTag(field: 0))
            #expect(skipAll([0x0b, 8 | type, 0, 0x0c]) == .invalidTag(field: 1))
        }
    }

    @Test func `a length of five bytes is read and one of six is refused`() {
        #expect(skipAll([0x0a] + varint(1, byteCount: 5) + [7]) == nil)
        #expect(skipAll([0x0a] + varint(1, byteCount: 6) + [7]) == .invalidLength(field: 1))
    }

    @Test func `a length up to 2 GiB is cut off and one above is invalid`() {
        #expect(skipAll([0x0a] + varint(1 << 31 - 1, byteCount: 5)) == .truncated(field: 1))
        #expect(skipAll([0x0a] + varint(1 << 31, byteCount: 5)) == .invalidLength(field: 1))
        #expect(skipAll([0x0a] + varint(.max, byteCount: 10)) == .invalidLength(field: 1))
    }

    @Test func `a length that ends at the last byte is read and one more is refused`() {
        #expect(skipAll([0x0a, 3, 1, 2, 3]) == nil)
        #expect(skipAll([0x0a, 4, 1, 2, 3]) == .truncated(field: 1))
    }

    @Test func `a nested length may not reach beyond its own message`() {
        let bytes: [UInt8] = [0x0a, 2, 0x0a, 1, 0x10, 0x00]
        let error = failure(bytes) { reader throws(WireError) in
            _ = try reader.next()
            var nested = try reader.nested()
            _ = try nested.next()
            _ = try nested.byteRange()
        }
        #expect(error == .truncated(field: 1))
    }

    @Test func `ranges count from the start of the whole message`() throws {
        let bytes = written { writer in
            writer.uint64(9, 5)
            writer.nested(1) { writer in
                writer.nested(2) { writer in writer.string(3, "cart") }
            }
        }
        var reader = WireReader(bytes.span)
        let nine = try #require(try reader.next())
        try reader.skip(nine)
        _ = try reader.next()
        var outer = try reader.nested()
        _ = try outer.next()
        var inner = try outer.nested()
        _ = try inner.next()
        let range = try inner.textRange()
        #expect(range == ByteRange(offset: 8, count: 4))
        #expect(Array(bytes[range.offset..<range.offset + range.count]) == Array("cart".utf8))
        let isAtEnd = (reader.isAtEnd, outer.isAtEnd, inner.isAtEnd)
        #expect(isAtEnd == (true, true, true))
    }

    @Test(
        arguments: [
            [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82],
            [0x61, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func `a string that is not UTF-8 is refused, bytes are not`(content: [UInt8]) {
        let bytes = [0x1a, UInt8(content.count)] + content
        let text = failure(bytes) { reader throws(WireError) in
            _ = try reader.next()
            _ = try reader.textRange()
        }
        #expect(text == .invalidText(field: 3))
        #expect(skipAll(bytes) == nil)
    }

    @Test func `a range that was kept can be read later`() throws {
        let bytes = written { writer in
            writer.packed(7, sint64: [-5, 300])
            writer.uint64(9, 5)
        }
        var reader = WireReader(bytes.span)
        _ = try reader.next()
        let kept = try reader.byteRange()
        var later = WireReader(bytes.span, in: kept)
        #expect(try later.sint64() == -5)
        #expect(try later.sint64() == 300)
        let isAtEnd = later.isAtEnd
        #expect(isAtEnd)
        let error: WireError?
        do {
            _ = try later.sint64()
            error = nil
        } catch let failure {
            error = failure
        }
        #expect(error == .truncated(field: 0))
    }

    @Test func `groups nested 100 deep are skipped and 101 are refused`() {
        func groups(_ depth: Int) -> [UInt8] {
            [UInt8](repeating: 0x0b, count: depth) + [UInt8](repeating: 0x0c, count: depth)
        }
        #expect(skipAll(groups(100)) == nil)
        #expect(skipAll(groups(101)) == .tooDeep(field: 1))
        #expect(skipAll(groups(100) + groups(100)) == nil)
    }

    @Test func `messages nested 100 deep are read and 101 are refused`() {
        func nest(_ depth: Int) -> [UInt8] {
            var bytes: [UInt8] = []
            for _ in 0..<depth {
                let inner = bytes
                bytes = written { writer in writer.bytes(1, inner) }
            }
            return bytes
        }
        func decode(_ bytes: [UInt8]) -> WireError? {
            failure(bytes) { reader throws(WireError) in
                var node = Node()
                try node.merge(from: &reader)
            }
        }
        #expect(decode(nest(100)) == nil)
        #expect(decode(nest(101)) == .tooDeep(field: 1))
    }

    @Test func `a group inside of a message counts towards the same depth`() {
        func mixed(_ groups: Int) -> [UInt8] {
            var bytes =
                [UInt8](repeating: 0x7b, count: groups) + [UInt8](repeating: 0x7c, count: groups)
            for _ in 0..<60 {
                let inner = bytes
                bytes = written { writer in writer.bytes(1, inner) }
            }
            return bytes
        }
        func decode(_ bytes: [UInt8]) -> WireError? {
            failure(bytes) { reader throws(WireError) in
                var node = Node()
                try node.merge(from: &reader)
            }
        }
        #expect(decode(mixed(40)) == nil)
        #expect(decode(mixed(41)) == .tooDeep(field: 15))
    }

    @Test func `a group must end where it started`() {
        #expect(skipAll([0x0b, 0x10, 0x01, 0x0c]) == nil)
        #expect(skipAll([0x0b, 0x14]) == .unmatchedGroup(field: 2))
        #expect(skipAll([0x0b]) == .truncated(field: 1))
        #expect(skipAll([0x0c]) == .unmatchedGroup(field: 1))
    }

    @Test func `every truncation of every wire type is refused`() {
        let whole: [[UInt8]] = [
            [0x88, 0x01] + varint(.max, byteCount: 10),
            [0x89, 0x01, 1, 2, 3, 4, 5, 6, 7, 8],
            [0x8a, 0x01, 3, 1, 2, 3],
            [0x8b, 0x01, 0x08, 0x96, 0x01, 0x13, 0x14, 0x8c, 0x01],
            [0x8d, 0x01, 1, 2, 3, 4],
        ]
        for bytes in whole {
            #expect(skipAll(bytes) == nil)
            for count in 1..<bytes.count {
                let error = skipAll(Array(bytes.prefix(count)))
                #expect(error != nil, "\(count) of \(bytes)")
            }
        }
    }

    @Test func `an error says where it is and nothing of the content`() {
        #expect(WireError.invalidText(field: 7).description == "field 7 is not UTF-8")
        #expect(WireError.truncated(field: 3).field == 3)
    }

    @Test func `an unknown field inside of a map entry makes the entry unknown`() throws {
        let bytes = written { writer in
            writer.nested(17) { writer in
                writer.string(1, "team")
                writer.string(2, "checkout")
            }
            writer.nested(17) { writer in
                writer.string(1, "odd")
                writer.uint64(3, 1)
            }
            writer.nested(17) { writer in writer.string(1, "alone") }
        }
        let node = try Node(decoding: bytes.span)
        #expect(node.labels == ["team": "checkout", "alone": ""])
    }
}
