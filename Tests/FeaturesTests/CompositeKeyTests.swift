// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Store
import Testing

/// Feature sets that several entity kinds key together.
@Suite struct CompositeKeyTests {
    static let kinds = ["customer", "product", "store", "channel"]

    static func catalog() throws -> FeatureCatalog {
        var catalog = FeatureCatalog()
        for count in 1...4 {
            _ = try catalog.apply(
                FeatureSetDefinition(
                    name: "by_\(count)", entityKinds: Array(kinds[..<count]),
                    features: [FeatureDefinition(name: "x", type: .int64)]))
        }
        return catalog
    }

    static func columns(_ ids: [String: [String]], _ order: [String]) -> [KassaV1.KeyColumn] {
        order.map { KassaV1.KeyColumn(kind: $0, ids: ids[$0] ?? []) }
    }

    @Test(arguments: 0..<10)
    func `rows of up to four kinds are written and read, whatever the order of kinds`(
        seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let store = try StoreFixture()
        let catalog = try Self.catalog()
        let names = ["a", "b", "ab", "ü", "a b"]
        // All rows that there can be of two ids a kind, in one request for the widest set.
        var ids: [String: [String]] = [:]
        for kind in Self.kinds {
            ids[kind] = (0..<24).map { _ in names.randomElement(using: &generator)! }
        }
        for count in 1...4 {
            let set = try #require(catalog.sets["by_\(count)"])
            let order = Self.kinds[..<count].shuffled(using: &generator)
            let request = KassaV1.WriteRequest(
                keys: Self.columns(ids, order),
                eventTimeUs: (0..<24).map { Fixture.now + Int64($0) },
                columns: [.integers("x", (0..<24).map { Int64($0) })])
            let write = try Fixture.prepare(request, set)
            #expect(write.refusals.isEmpty)
            _ = try store.apply(write, to: set)
        }
        // One list of key columns, in any order, serves sets of different kinds.
        let given = Self.columns(ids, Self.kinds.shuffled(using: &generator))
        for count in 1...4 {
            let set = try #require(catalog.sets["by_\(count)"])
            let kinds = Array(Self.kinds[..<count])
            let keys = try KeyColumns(given, kinds: kinds)
            let rows = store.rows
            for row in 0..<24 {
                var key = RowKey()
                try keys.build(
                    row, kindsID: set.newest.kindsID, setID: set.id, into: &key)
                // The latest write of the same ids won.
                let same = (0..<24).filter { other in
                    kinds.allSatisfy { ids[$0]?[other] == ids[$0]?[row] }
                }
                let rowKey = Fixture.bytes(key.bytes)
                let stored = try store.contents(rows, prefix: rowKey).first?.value
                let reading = try Fixture.read(stored, set, now: Fixture.now + 60)
                #expect(reading[0].value == .int64(Int64(same.last ?? -1)), "seed \(seed)")
                // A score's entities come in any order as well.
                var other = RowKey()
                try other.build(
                    Self.kinds.shuffled(using: &generator).map {
                        KassaV1.EntityKey(kind: $0, id: ids[$0]![row])
                    }, kinds: kinds, kindsID: set.newest.kindsID, setID: set.id)
                let (left, right) = (Fixture.bytes(key.bytes), Fixture.bytes(other.bytes))
                #expect(left == right)
            }
        }
    }

    @Test func `all rows of a first entity lie under its prefix`() throws {
        let store = try StoreFixture()
        let catalog = try Self.catalog()
        let set = try #require(catalog.sets["by_2"])
        let ids = [
            "customer": ["c", "c", "cc", "b", "c"], "product": ["p", "q", "p", "c", "c\u{1}"],
        ]
        let request = KassaV1.WriteRequest(
            keys: Self.columns(ids, ["customer", "product"]), eventTimeUs: [Fixture.now],
            columns: [.integers("x", [1, 2, 3, 4, 5])])
        _ = try store.apply(Fixture.prepare(request, set), to: set)
        var key = RowKey()
        key.start(kindsID: set.newest.kindsID)
        try key.append("c")
        let prefix = Fixture.bytes(key.prefix)
        let found = try store.contents(store.rows, prefix: prefix)
        #expect(found.count == 3)
        for (bytes, _) in found {
            guard let view = RowKeyView(bytes.span) else {
                Issue.record("not a key")
                continue
            }
            let setID = view.setID
            #expect(setID == set.id)
        }
    }

    @Test func `ids that are too long together are refused, and what fits is told apart`() throws {
        let catalog = try Self.catalog()
        let set = try #require(catalog.sets["by_4"])
        func refusals(_ lengths: [Int]) throws -> [RowRefusal] {
            let ids = Dictionary(
                uniqueKeysWithValues: zip(Self.kinds, lengths).map {
                    ($0, [String(repeating: "x", count: $1)])
                })
            return try Fixture.prepare(
                KassaV1.WriteRequest(
                    keys: Self.columns(ids, Self.kinds), eventTimeUs: [Fixture.now],
                    columns: [.integers("x", [1])]), set
            ).refusals
        }
        // 2 of the kinds, 4 zeros, 4 of the set: 486 bytes are left for ids.
        #expect(try refusals([256, 228, 1, 1]).isEmpty)
        #expect(
            try refusals([256, 229, 1, 1]) == [
                RowRefusal(
                    row: 0, field: "keys[channel]",
                    reason: "is too long together with the other ids of the key")
            ])
        #expect(try refusals([36, 36, 36, 36]).isEmpty)
    }

    @Test func `a key is read back as it was built`() throws {
        var key = RowKey()
        key.start(kindsID: 0x1234)
        try key.append("ü")
        try key.append("product-7")
        try key.finish(setID: 0xFEDC_BA98)
        let bytes = Fixture.bytes(key.bytes)
        guard let view = RowKeyView(bytes.span) else {
            Issue.record("not a key")
            return
        }
        let numbers = (view.kindsID, view.setID)
        #expect(numbers == (0x1234, 0xFEDC_BA98))
        let ranges = [view.idRange(0), view.idRange(1), view.idRange(2)]
        #expect(ranges == [2..<4, 5..<14, nil])
        let matches = [
            view.hasID("product-7".utf8Span.span, at: 1),
            view.hasID("product-".utf8Span.span, at: 1),
            view.hasID("ü".utf8Span.span, at: 1), view.hasID("".utf8Span.span, at: 2),
        ]
        #expect(matches == [true, false, false, false])
        // No bytes trap.
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<2_000 {
            let count = Int.random(in: 0...64, using: &generator)
            let forged = (0..<count).map { _ in UInt8.random(in: 0...2, using: &generator) }
            guard let view = RowKeyView(forged.span) else { continue }
            for place in 0..<5 {
                if let range = view.idRange(place) {
                    #expect(range.upperBound <= count - 4)
                    #expect(!range.isEmpty)
                }
            }
        }
    }
}
