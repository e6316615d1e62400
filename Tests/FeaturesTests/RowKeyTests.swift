// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Testing

@Suite struct RowKeyTests {
    static func key(_ kinds: UInt16, _ ids: [String], _ set: UInt32) throws -> [UInt8] {
        var key = RowKey()
        key.start(kindsID: kinds)
        for id in ids { try key.append(id) }
        try key.finish(setID: set)
        return Fixture.bytes(key.bytes)
    }

    @Test func `a key is kinds, ids, zeros and the set, in an order of bytes`() throws {
        #expect(
            try Self.key(0x0102, ["ab"], 0x0304_0506)
                == [1, 2, 97, 98, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 5, 6])
        #expect(try Self.key(1, ["a"], 2) == [0, 1, 97, 0, 0, 0, 0, 2])
    }

    @Test func `all rows of an entity lie together and no other entity's among them`() throws {
        var generator = SeededGenerator(seed: 5)
        let letters = ["a", "b", "\u{1}", "ü"]
        var ids: Set<[String]> = []
        while ids.count < 60 {
            let id = { (generator: inout SeededGenerator) in
                (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                    letters[Int.random(in: 0..<letters.count, using: &generator)]
                }.joined()
            }
            ids.insert([id(&generator), id(&generator)])
        }
        var keys: [(bytes: [UInt8], entity: [String])] = []
        for entity in ids {
            for set in [1, 2, 256, 70_000] as [UInt32] {
                keys.append((try Self.key(3, entity, set), entity))
            }
        }
        keys.sort { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        for start in stride(from: 0, to: keys.count, by: 4) {
            let entity = keys[start].entity
            let prefix = keys[start].bytes.dropLast(4)
            #expect(keys[start..<start + 4].allSatisfy { $0.entity == entity })
            for (index, key) in keys.enumerated() {
                let isInside = (start..<start + 4).contains(index)
                #expect(key.bytes.starts(with: prefix) == isInside)
            }
        }
        #expect(Set(keys.map(\.bytes)).count == keys.count)
    }

    @Test func `the set of a key can be replaced and the prefix is the entity's`() throws {
        var key = RowKey()
        key.start(kindsID: 1)
        try key.append("s-81")
        let prefix = Fixture.bytes(key.prefix)
        try key.finish(setID: 5)
        #expect(Fixture.bytes(key.bytes).starts(with: prefix))
        key.replaceSet(6)
        #expect(try Fixture.bytes(key.bytes) == Self.key(1, ["s-81"], 6))
        #expect(Fixture.bytes(key.bytes).starts(with: prefix))
    }

    @Test func `an id has 1 to 256 bytes of UTF-8 without NUL`() throws {
        let longest = String(repeating: "x", count: FeatureLimits.idByteCountMax)
        #expect(try Self.key(1, [longest], 1).count == 264)
        #expect(throws: RowKeyError.idTooLong) { try Self.key(1, [longest + "x"], 1) }
        #expect(throws: RowKeyError.emptyID) { try Self.key(1, [""], 1) }
        #expect(throws: RowKeyError.idHasNUL) { try Self.key(1, ["a\0b"], 1) }
        var key = RowKey()
        key.start(kindsID: 1)
        #expect(throws: RowKeyError.idNotUTF8) {
            let bytes: [UInt8] = [97, 0xFF]
            try key.append(utf8: bytes.span)
        }
    }

    @Test func `ids together are bounded by the length of a key`() throws {
        // 2 + (a + 1) + (b + 1) + 4 bytes.
        let first = String(repeating: "x", count: 256)
        let fits = FeatureLimits.keyByteCountMax - 2 - 257 - 1 - 4
        #expect(
            try Self.key(1, [first, String(repeating: "y", count: fits)], 1).count
                == FeatureLimits.keyByteCountMax)
        #expect(throws: RowKeyError.keyTooLong) {
            try Self.key(1, [first, String(repeating: "y", count: fits + 1)], 1)
        }
    }

    @Test func `a key is built from entities in any order, beside others`() throws {
        let entities = [("product", "p"), ("customer", "c"), ("session", "s")].map {
            KassaV1.EntityKey(kind: $0.0, id: $0.1)
        }
        var key = RowKey()
        try key.build(entities, kinds: ["session", "product"], kindsID: 4, setID: 9)
        #expect(try Fixture.bytes(key.bytes) == Self.key(4, ["s", "p"], 9))
        #expect(throws: FieldError(field: "entities[shop]", reason: "is missing")) {
            try key.build(entities, kinds: ["session", "shop"], kindsID: 4, setID: 9)
        }
        #expect(throws: FieldError(field: "entities[session]", reason: "is empty")) {
            try key.build(
                [KassaV1.EntityKey(kind: "session")], kinds: ["session"], kindsID: 4, setID: 9)
        }
    }

    @Test func `key columns give a key a row, whatever their order, and name what is wrong`() throws
    {
        let session = KassaV1.KeyColumn(kind: "session", ids: ["s", "", "u"])
        let product = KassaV1.KeyColumn(kind: "product", ids: ["p", "q", "r"])
        let columns = try KeyColumns([product, session], kinds: ["session", "product"])
        #expect(columns.rowCount == 3)
        var key = RowKey()
        try columns.build(2, kindsID: 1, setID: 7, into: &key)
        #expect(try Fixture.bytes(key.bytes) == Self.key(1, ["u", "r"], 7))
        #expect(throws: FieldError(field: "keys[session]", reason: "is empty")) {
            try columns.build(1, kindsID: 1, setID: 7, into: &key)
        }
        #expect(throws: FieldError.self) { try KeyColumns([], kinds: ["session"]) }
        #expect(throws: FieldError.self) { try KeyColumns([product], kinds: ["session"]) }
        #expect(throws: FieldError.self) {
            try KeyColumns([session, session], kinds: ["session"])
        }
        let most = KassaV1.KeyColumn(
            kind: "session", ids: [String](repeating: "s", count: FeatureLimits.rowsMax))
        #expect(try KeyColumns([most], kinds: ["session"]).rowCount == FeatureLimits.rowsMax)
        let more = KassaV1.KeyColumn(kind: "session", ids: most.ids + ["s"])
        #expect(throws: FieldError.self) { try KeyColumns([more], kinds: ["session"]) }
    }
}
