// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Testing

/// Deprecating and dropping versions, and what becomes of their columns.
@Suite struct DropTests {
    /// cart@1 has a, b and t; cart@2 has b and c.
    static func catalog() throws -> FeatureCatalog {
        var catalog = FeatureCatalog()
        _ = try catalog.apply(
            FeatureSetDefinition(
                name: "cart", entityKinds: ["session"],
                features: [
                    FeatureDefinition(name: "a", type: .float64),
                    FeatureDefinition(name: "b", type: .float64),
                    FeatureDefinition(name: "t", type: .string),
                ]))
        _ = try catalog.apply(
            FeatureSetDefinition(
                name: "cart", entityKinds: ["session"],
                features: [
                    FeatureDefinition(name: "b", type: .float64),
                    FeatureDefinition(name: "c", type: .float64),
                ]))
        return catalog
    }

    static func drop(
        _ catalog: inout FeatureCatalog, _ name: String, readers: [String] = []
    ) throws -> FeatureSetChange? {
        try catalog.drop(Fixture.require(FeatureSetReference(name)), readers: readers)
    }

    static func conflict(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch FeatureSetError.conflict(_, let reason) {
            return reason
        } catch { return "\(error)" }
    }

    @Test func `a new version's plan says which features are added, changed and dropped`() throws {
        var catalog = try Self.catalog()
        let change = try catalog.apply(
            FeatureSetDefinition(
                name: "cart", entityKinds: ["session"],
                features: [
                    FeatureDefinition(name: "d", type: .bool),
                    FeatureDefinition(
                        name: "c", type: .float64, takesNonFiniteAsNull: true, onMissing: .fail),
                ]))
        #expect(
            change.planEntry.features == [
                KassaV1.FeatureChange(
                    action: .remove, name: "b", details: ["feature b removed"]),
                KassaV1.FeatureChange(
                    action: .add, name: "d", details: ["feature d added (bool)"]),
                KassaV1.FeatureChange(
                    action: .change, name: "c",
                    details: [
                        "nan of c changed from refuse to missing",
                        "on_missing of c changed from unset to fail",
                    ]),
            ])
    }

    @Test func `a deprecated version warns of what reads it`() throws {
        var catalog = try Self.catalog()
        var spec = try #require(catalog.sets["cart"]?.spec(version: 1))
        spec.deprecated = "use cart@2"
        let change = try catalog.apply(FeatureSetDefinition(spec)) { name, version in
            name == "cart" && version == 1 ? ["scorer checkout"] : []
        }
        #expect(change.action == .change)
        #expect(change.details == ["deprecated: use cart@2"])
        #expect(
            change.planEntry.warnings == ["cart@1 is deprecated and read by scorer checkout"])
        #expect(change.set.version(1)?.deprecation == "use cart@2")
        #expect(change.set.version(2)?.deprecation == "")
        #expect(change.set.spec(version: 1) == spec)
        spec.deprecated = ""
        #expect(
            try catalog.apply(FeatureSetDefinition(spec)).details == ["not deprecated any more"])
    }

    @Test func `a version that is read, or the last one, is not dropped`() throws {
        var catalog = try Self.catalog()
        #expect(
            Self.conflict {
                _ = try Self.drop(&catalog, "cart@1", readers: ["scorer a", "scorer b"])
            } == "cart@1 is read by scorer a, scorer b")
        #expect(try Self.drop(&catalog, "cart@3") == nil)
        #expect(try Self.drop(&catalog, "cart") == nil)
        #expect(try Self.drop(&catalog, "other@1") == nil)
        #expect(try Self.drop(&catalog, "cart@2")?.action == .remove)
        #expect(
            Self.conflict { _ = try Self.drop(&catalog, "cart@1") }
                == "cart@1 is the only version left")
    }

    @Test func `a dropped version is not found, and its number is not given again`() throws {
        var catalog = try Self.catalog()
        let change = try #require(try Self.drop(&catalog, "cart@2"))
        #expect(change.details == ["version 2 dropped", "columns freed: c"])
        #expect(
            change.warnings == [
                "cart@2 was not deprecated before", "cart without a version means cart@1 now",
            ])
        #expect(change.planEntry.action == .remove)
        #expect(change.planEntry.name == "cart@2")
        let set = try #require(catalog.sets["cart"])
        #expect(set.version(2) == nil)
        #expect(set.spec(version: 2) == nil)
        #expect(set.newest.number == 1)
        #expect(catalog.resolve(try #require(FeatureSetReference("cart@2"))) == nil)
        #expect(try Self.drop(&catalog, "cart@2") == nil)
        var spec = try #require(set.spec(version: 1))
        spec.ttlMs = 5
        spec.version = 2
        #expect(
            Self.conflict { _ = try catalog.apply(FeatureSetDefinition(spec)) }
                == "cart@2 was dropped, and its number is not given again")
        spec.version = 0
        #expect(try catalog.apply(FeatureSetDefinition(spec)).version == 3)
        // All of it survives the store.
        let after = try #require(catalog.sets["cart"])
        let stored = try FeatureSet(state: after.encodedState().span)
        #expect(stored.versions == after.versions)
        #expect(stored.version(2) == nil)
        #expect(stored.layouts.map(\.deadColumns) == after.layouts.map(\.deadColumns))
    }

    static func whole(_ set: FeatureSet) throws -> [UInt8] {
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        let one = Fixture.request(
            ["s"], [.doubles("a", [1]), .doubles("b", [2]), .texts("t", ["a long text"])])
        let two = Fixture.request(["s"], [.doubles("c", [3])], times: [Fixture.now + 1])
        for (request, version) in [(one, 1), (two, 2)] as [(KassaV1.WriteRequest, UInt32)] {
            _ = Fixture.apply(
                try Fixture.prepare(request, set, version: version), to: &rows, of: set, &scratch,
                sequence: 7)
        }
        return try Fixture.require(rows.values.first)
    }

    @Test func `a sweep takes dead columns out of rows, and what is read stays to the bit`() throws
    {
        var catalog = try Self.catalog()
        let before = try #require(catalog.sets["cart"])
        let row = try Self.whole(before)
        _ = try Self.drop(&catalog, "cart@1")
        let after = try #require(catalog.sets["cart"])
        #expect(after.newestLayout.deadColumns == [0, 2])
        let old = try Fixture.read(row, after)
        var scratch = RowScratch()
        guard case .changed(let freed) = scratch.clean(row.span, of: after) else {
            Issue.record("nothing was cleaned")
            return
        }
        let cleaned = Fixture.bytes(scratch.row)
        #expect(freed == row.count - cleaned.count)
        // Two slots and the text are gone; of a, b, t and c two are left with a time each.
        #expect(cleaned.count == 32 + 8 + 2 * 8 + 8 + 8)
        #expect(try Fixture.read(cleaned, after) == old)
        #expect(!cleaned.indices.contains { cleaned[$0...].starts(with: "a long text".utf8) })
        let sequence = try RowView(verifying: cleaned.span, of: after).sequence
        #expect(sequence == 7)
        #expect(scratch.clean(cleaned.span, of: after) == .unchanged)
    }

    @Test func `a write to a dead column changes nothing, and a feature of its name starts anew`()
        throws
    {
        var catalog = try Self.catalog()
        let before = try #require(catalog.sets["cart"])
        let row = try Self.whole(before)
        let late = try Fixture.prepare(
            Fixture.request(["s"], [.doubles("a", [9])], times: [Fixture.now + 9]), before,
            version: 1)
        _ = try Self.drop(&catalog, "cart@1")
        let after = try #require(catalog.sets["cart"])
        var scratch = RowScratch()
        #expect(
            late.merge(row: 0, into: row.span, of: after, with: &scratch, sequence: 8)
                == .unchanged)
        #expect(
            late.merge(row: 0, into: nil, of: after, with: &scratch, sequence: 8) == .unchanged)
        let again = try catalog.apply(
            FeatureSetDefinition(
                name: "cart", entityKinds: ["session"],
                features: [FeatureDefinition(name: "a", type: .float64)])
        ).set
        #expect(again.newest.number == 3)
        #expect(again.newest.columnIDs == [4])
        #expect(try Fixture.read(row, again).map(\.status) == [.noFeature])
        let plan = try VectorPlan([
            VectorInput(set: again, version: again.newest, feature: "a")
        ])
        #expect(RowTests.gather(plan, row).statuses == [.noFeature])
        let write = try Fixture.prepare(Fixture.request(["s"], [.doubles("a", [5])]), again)
        #expect(
            write.merge(row: 0, into: row.span, of: again, with: &scratch, sequence: 8)
                == .changed)
        let merged = Fixture.bytes(scratch.row)
        #expect(try Fixture.read(merged, again)[0].value == .float64(5))
        #expect(RowTests.gather(plan, merged).values == [5])
        // Version 2 reads on what it read.
        #expect(
            try Fixture.read(merged, again, version: 2).map(\.value) == [.float64(2), .float64(3)])
    }

    @Test(arguments: 0..<40)
    func `a sweep before or after a merge gives the same row`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var catalog = try Fixture.catalog(Fixture.rich())
        var second = try Fixture.rich()
        second.features = second.features.filter { _ in
            Int.random(in: 0..<2, using: &generator) > 0
        }
        second.features.append(FeatureDefinition(name: "extra", type: .vector(2)))
        let both = try catalog.apply(second).set
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        let features = both.versions[0].features
        let writes = MergeTests.randomWrites(6, features, &generator)
        _ = Fixture.apply(
            try Fixture.prepare(MergeTests.request(writes, features), both, version: 1),
            to: &rows, of: both, &scratch)
        _ = try Self.drop(&catalog, "cart@1")
        let set = try #require(catalog.sets["cart"])
        let more = MergeTests.randomWrites(6, set.newest.features, &generator)
        let write = try Fixture.prepare(MergeTests.request(more, set.newest.features), set)

        func swept(_ rows: [[UInt8]: [UInt8]]) -> [[UInt8]: [UInt8]] {
            var scratch = RowScratch()
            return rows.compactMapValues { row in
                switch scratch.clean(row.span, of: set) {
                case .unchanged: row
                case .changed: Fixture.bytes(scratch.row)
                case .empty: nil
                case .damaged, .unknownLayout, .tooLarge: []
                }
            }
        }
        let readings = try rows.mapValues { try Fixture.read($0, set) }
        for (key, row) in swept(rows) {
            #expect(try Fixture.read(row, set) == readings[key], "seed \(seed)")
        }
        var sweptFirst = swept(rows)
        _ = Fixture.apply(write, to: &sweptFirst, of: set, &scratch)
        var mergedFirst = rows
        _ = Fixture.apply(write, to: &mergedFirst, of: set, &scratch)
        #expect(
            swept(sweptFirst).mapValues(Fixture.content)
                == swept(mergedFirst).mapValues(Fixture.content), "seed \(seed)")
    }

    @Test func `a pass keeps, cleans and deletes rows, and counts them`() throws {
        var catalog = try Self.catalog()
        let before = try #require(catalog.sets["cart"])
        let row = try Self.whole(before)
        let onlyA = try Fixture.row(
            Fixture.request(["s"], [.doubles("a", [1])]), before, version: 1)
        let onlyB = try Fixture.row(Fixture.request(["s"], [.doubles("b", [1])]), before)
        _ = try Self.drop(&catalog, "cart@1")
        var key = RowKey()
        func build(kindsID: UInt16, setID: UInt32) throws {
            key.start(kindsID: kindsID)
            try key.append("s")
            try key.finish(setID: setID)
        }
        try build(kindsID: 1, setID: 1)
        var scratch = RowScratch()
        var sweep = Sweep(catalog, now: Fixture.now)
        #expect(sweep.visit(key.bytes, row.span, with: &scratch) == .put)
        let cleaned = Fixture.bytes(scratch.row)
        #expect(sweep.visit(key.bytes, cleaned.span, with: &scratch) == .keep)
        #expect(sweep.visit(key.bytes, onlyA.span, with: &scratch) == .delete)
        #expect(sweep.visit(key.bytes, onlyB.span, with: &scratch) == .put)
        var damaged = row
        damaged[40] ^= 1
        #expect(sweep.visit(key.bytes, damaged.span, with: &scratch) == .keep)
        try build(kindsID: 2, setID: 1)
        #expect(sweep.visit(key.bytes, row.span, with: &scratch) == .delete)
        try build(kindsID: 1, setID: 9)
        #expect(sweep.visit(key.bytes, row.span, with: &scratch) == .keep)
        #expect(sweep.counts.rows == 7)
        #expect(sweep.counts.cleaned == 2)
        #expect(sweep.counts.orphaned == 2)
        #expect(sweep.counts.unreadable == 2)
        #expect(sweep.counts.expired == 0)
        #expect(sweep.counts.freedByteCount > 0)
    }

    @Test func `a row expires when the most patient version gives it up`() throws {
        var catalog = FeatureCatalog()
        func definition(_ ttl: UInt64, kinds: [String] = ["session"]) throws -> FeatureSetDefinition
        {
            try FeatureSetDefinition(
                name: "cart", entityKinds: kinds,
                features: [FeatureDefinition(name: "a", type: .float64)], ttlMilliseconds: ttl)
        }
        _ = try catalog.apply(definition(1_000))
        _ = try catalog.apply(definition(5_000))
        _ = try catalog.apply(definition(0, kinds: ["customer"]))
        let set = try #require(catalog.sets["cart"])
        let row = try Fixture.row(
            KassaV1.WriteRequest(
                keys: [KassaV1.KeyColumn(kind: "customer", ids: ["s"])],
                eventTimeUs: [Fixture.now], columns: [.doubles("a", [1])]), set)
        func isExpired(_ kindsID: UInt16, after: Int64) -> Bool {
            set.isExpired(row.span, kindsID: kindsID, now: Fixture.now + after)
        }
        #expect(!isExpired(1, after: 5_000_000))
        #expect(isExpired(1, after: 5_000_001))
        #expect(!isExpired(2, after: 1_000_000_000_000))
        #expect(!isExpired(3, after: 5_000_001))
        var damaged = row
        damaged[20] ^= 1
        let isDamagedExpired = set.isExpired(
            damaged.span, kindsID: 1, now: Fixture.now + 5_000_001)
        #expect(!isDamagedExpired)
        // At that moment no version had a value any more.
        for version in [1, 2] as [UInt32] {
            let reading = try Fixture.read(
                row, set, version: version, now: Fixture.now + 5_000_001)[0]
            #expect(reading.status == .expired)
        }
        _ = try Self.drop(&catalog, "cart@2")
        let after = try #require(catalog.sets["cart"])
        let isExpiredAfter = after.isExpired(
            row.span, kindsID: 1, now: Fixture.now + 1_000_001)
        #expect(isExpiredAfter)
    }
}
