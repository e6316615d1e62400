// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Store
import Testing

/// Rows as they were: against a replay of the writes up to then.
@Suite struct HistoryTests {
    static let day: Int64 = 86_400_000_000

    static func definition(_ history: UInt64 = 86_400_000 * 30) throws -> FeatureSetDefinition {
        var definition = try Fixture.rich()
        definition.historyMilliseconds = history
        return definition
    }

    static func key(_ id: String, _ set: FeatureSet) throws -> [UInt8] {
        var key = RowKey()
        key.start(kindsID: set.newest.kindsID)
        try key.append(id)
        try key.finish(setID: set.id)
        return Fixture.bytes(key.bytes)
    }

    static func readAsOf(
        _ time: Int64, _ id: String, _ set: FeatureSet, _ store: StoreFixture
    ) throws -> KassaV1.FeatureSetValues {
        let rowKey = try key(id, set)
        let plan = try ReadPlan(set: set, version: set.newest)
        let history = store.history
        return try store.environment.read { transaction throws(StoreError) in
            var rows = ReadRows()
            rows.start(count: 1)
            var key = HistoryKey()
            // Safe: the snapshot is held until the reply is written.
            try unsafe rows.place(
                rowKey.span, asOf: time, at: 0, in: transaction, history, with: &key)
            return Result { try Fixture.written(plan, 1, &rows) }
        }.get()
    }

    /// What a read at `time` would have served if the writes up to then were all there was.
    static func replay(
        _ writes: [MergeTests.Write], until time: Int64, laterThan erased: Int64, _ id: String,
        _ set: FeatureSet
    ) throws -> KassaV1.FeatureSetValues {
        let told = writes.filter { $0.time <= time && $0.time > erased && $0.id == id }
        var rows: [[UInt8]: [UInt8]] = [:]
        if !told.isEmpty {
            let request = MergeTests.request(told, set.newest.features)
            var scratch = RowScratch()
            _ = Fixture.apply(try Fixture.prepare(request, set), to: &rows, of: set, &scratch)
        }
        let plan = try ReadPlan(set: set, version: set.newest)
        return try Fixture.values([rows.values.first], plan, now: time)
    }

    @Test(arguments: 0..<25)
    func `a read as of a time serves what a replay of the writes until then does`(
        seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let store = try StoreFixture()
        let set = try #require(try Fixture.catalog(Self.definition()).sets["cart"])
        let features = set.newest.features
        var writes = MergeTests.randomWrites(40, features, &generator)
        for index in writes.indices {
            writes[index].time =
                Fixture.now - Self.day + Int64.random(in: 0..<24, using: &generator) * 600_000_000
        }
        // Mostly in order, some late, some twice.
        writes.sort { $0.time < $1.time }
        for _ in 0..<Int.random(in: 0...20, using: &generator) {
            writes.swapAt(
                Int.random(in: writes.indices, using: &generator),
                Int.random(in: writes.indices, using: &generator))
        }
        for _ in 0..<5 { writes.append(writes[Int.random(in: 0..<40, using: &generator)]) }
        var rest = writes[...]
        while !rest.isEmpty {
            let batch = rest.prefix(Int.random(in: 1...9, using: &generator))
            rest = rest.dropFirst(batch.count)
            let write = try Fixture.prepare(MergeTests.request(Array(batch), features), set)
            let tally = try store.apply(write, to: set)
            #expect(tally.historyGaps == 0, "seed \(seed)")
        }
        for id in 0..<4 {
            for step in -1...26 {
                let time = Fixture.now - Self.day + Int64(step) * 600_000_000 + Int64(step & 1)
                #expect(
                    try Self.readAsOf(time, "s-\(id)", set, store)
                        == Self.replay(writes, until: time, laterThan: .min, "s-\(id)", set),
                    "seed \(seed), s-\(id), step \(step)")
            }
        }
    }

    @Test(arguments: 0..<15)
    func `the history of a set whose version is dropped or erased stays true`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let store = try StoreFixture()
        var catalog = try Fixture.catalog(Self.definition())
        let one = try #require(catalog.sets["cart"])
        let old = one.newest.features
        var times = (0..<30).map { Fixture.now - Self.day + Int64($0) * 1_000_000 }
        func randomWrites(_ features: [FeatureDefinition]) -> [MergeTests.Write] {
            var writes = MergeTests.randomWrites(15, features, &generator)
            for index in writes.indices {
                writes[index].time = times.randomElement(using: &generator)!
            }
            return writes
        }
        let first = randomWrites(old)
        _ = try store.apply(
            Fixture.prepare(MergeTests.request(first, old), one), to: one)
        var second = try Self.definition()
        second.features.removeFirst(3)
        second.features.append(FeatureDefinition(name: "depth", type: .float64))
        _ = try catalog.apply(second)
        _ = try DropTests.drop(&catalog, "cart@1")
        let set = try #require(catalog.sets["cart"])
        let kept = Set(set.newest.features.map(\.name))

        // s-0 is erased until the tenth time.
        let erasedUntil = times[10]
        var key = TombstoneKey()
        key.build(kind: "session", id: "s-0".utf8Span.span)
        let tombstone = Tombstone(
            erasedUntil: erasedUntil, sequence: 1, receipt: [UInt8](repeating: 0, count: 32))
        try store.put(tombstone.encoded, Fixture.bytes(key.bytes), in: store.tombstones)
        let rowKey = try Self.key("s-0", set)
        for table in [store.rows, store.history] {
            let found = try store.contents(table, prefix: rowKey)
            try store.delete(found.map(\.key), in: table)
        }
        times.removeFirst(5)
        let later = randomWrites(set.newest.features)
        let tally = try store.apply(
            Fixture.prepare(MergeTests.request(later, set.newest.features), set), to: set)
        #expect(
            tally.ignoredErased
                == later.count { $0.id == "s-0" && $0.time <= erasedUntil }, "seed \(seed)")
        let writes = first.map { write in
            var write = write
            write.cells = write.cells.filter { kept.contains($0.key) }
            return write
        }
        for id in 0..<4 {
            for (step, time) in (times + [Fixture.now]).enumerated() {
                let known = (id == 0 ? [] : writes) + later
                let expected = try Self.replay(
                    known, until: time, laterThan: id == 0 ? erasedUntil : .min, "s-\(id)", set)
                let found = try Self.readAsOf(time, "s-\(id)", set, store)
                // A write of dead columns only leaves a row that says nothing: NO_FEATURE, not NO_ENTITY.
                #expect(
                    Self.lenient(found) == Self.lenient(expected),
                    "seed \(seed), s-\(id), step \(step)")
            }
        }
    }

    static func lenient(_ values: KassaV1.FeatureSetValues) -> KassaV1.FeatureSetValues {
        var values = values
        for index in values.columns.indices {
            values.columns[index].statuses = values.columns[index].statuses.map {
                $0 == ValueStatus.noEntity.rawValue ? ValueStatus.noFeature.rawValue : $0
            }
        }
        return values
    }

    @Test func `a late write reaches rows whose latest value died with its column`() throws {
        let store = try StoreFixture()
        var catalog = FeatureCatalog()
        for name in ["a", "b"] {
            _ = try catalog.apply(
                FeatureSetDefinition(
                    name: "cart", entityKinds: ["session"],
                    features: [FeatureDefinition(name: name, type: .float64)],
                    historyMilliseconds: 1_000_000))
        }
        let both = try #require(catalog.sets["cart"])
        func write(_ name: String, _ value: Double, _ time: Int64, _ set: FeatureSet) throws {
            let version: UInt32 = name == "a" ? 1 : 2
            let request = Fixture.request(["s"], [.doubles(name, [value])], times: [time])
            let tally = try store.apply(
                Fixture.prepare(request, set, version: version), to: set)
            #expect(tally.applied == 1)
        }
        try write("b", 1, Fixture.now - 30, both)
        try write("a", 1, Fixture.now - 10, both)
        _ = try DropTests.drop(&catalog, "cart@1")
        let set = try #require(catalog.sets["cart"])
        try write("b", 2, Fixture.now - 20, set)
        for (age, value) in [(25, 1), (20, 2), (10, 2), (0, 2)] as [(Int64, Double)] {
            let found = try Self.readAsOf(Fixture.now - age, "s", set, store)
            #expect(
                found.columns[0].values == .doubles(KassaV1.DoubleValues(values: [value])),
                "\(age) ago")
        }
    }

    @Test func `a write after the row was swept is merged into its history`() throws {
        let store = try StoreFixture()
        let set = try #require(try Fixture.catalog(Self.definition()).sets["cart"])
        func write(_ column: KassaV1.Column, age: Int64) throws {
            let request = Fixture.request(["s"], [column], times: [Fixture.now - age])
            #expect(try store.apply(Fixture.prepare(request, set), to: set).applied == 1)
        }
        func total(age: Int64) throws -> KassaV1.ReadColumn {
            try Self.readAsOf(Fixture.now - age, "s", set, store).columns[1]
        }
        try write(.doubles("total", [1]), age: 100)
        try write(.doubles("total", [2]), age: 80)
        let rowKey = try Self.key("s", set)
        try store.delete([rowKey], in: store.rows)
        // Between what was, and after it; then into the row that the first one made.
        try write(.integers("items", [3]), age: 90)
        try write(.integers("items", [4]), age: 70)
        for (age, value) in [(100, 1), (90, 1), (80, 2), (70, 2), (0, 2)] as [(Int64, Double)] {
            let column = try total(age: age)
            #expect(column.statuses == [ValueStatus.present.rawValue], "\(age) ago")
            #expect(column.values == .doubles(KassaV1.DoubleValues(values: [value])), "\(age) ago")
        }
        let items = try Self.readAsOf(Fixture.now - 75, "s", set, store).columns[2]
        #expect(items.values == .integers(KassaV1.IntegerValues(values: [3])))
    }

    @Test func `a history that begins later knows what the row knew`() throws {
        let store = try StoreFixture()
        var catalog = try Fixture.catalog(Self.definition(0))
        let before = try #require(catalog.sets["cart"])
        func write(_ column: KassaV1.Column, _ time: Int64, _ set: FeatureSet) throws {
            _ = try store.apply(
                Fixture.prepare(Fixture.request(["s"], [column], times: [time]), set), to: set)
        }
        try write(.floats("amount", [1]), Fixture.now - 100, before)
        try write(.doubles("total", [2]), Fixture.now - 80, before)
        #expect(try store.contents(store.history).isEmpty)
        let change = try catalog.apply(Self.definition())
        #expect(change.action == .change)
        #expect(change.details == ["history_ms changed from 0 to 2592000000"])
        let set = change.set
        // Late: of the row only what is not later counts.
        try write(.integers("items", [3]), Fixture.now - 90, set)
        let found = try Self.readAsOf(Fixture.now - 85, "s", set, store)
        #expect(found.columns[0].statuses == [ValueStatus.present.rawValue])
        #expect(found.columns[1].statuses == [ValueStatus.noFeature.rawValue])
        #expect(found.columns[2].statuses == [ValueStatus.present.rawValue])
        #expect(
            try Self.readAsOf(Fixture.now - 91, "s", set, store).columns[0].statuses
                == [ValueStatus.defaulted.rawValue])
    }

    @Test func `a time out of reach is refused`() throws {
        let set = try #require(try Fixture.catalog(Self.definition(1_000)).sets["cart"])
        let plan = try ReadPlan(set: set, version: set.newest)
        let now = Fixture.now
        func reason(_ plan: ReadPlan, _ time: Int64) -> String? {
            do throws(FieldError) {
                try plan.checkAsOf(time, now: now)
                return nil
            } catch { return error.reason }
        }
        #expect(reason(plan, now) == nil)
        #expect(reason(plan, now - 1_000_000) == nil)
        #expect(reason(plan, now + 1) == "is in the future")
        #expect(
            reason(plan, now - 1_000_001)
                == "is before the history of cart, which goes back 1000 ms")
        #expect(reason(plan, .min) != nil)
        let none = try #require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
        #expect(
            reason(try ReadPlan(set: none, version: none.newest), now)
                == "needs a history, which cart has not")
    }

    @Test func `the sweep keeps the history that can be asked for and one row before`() throws {
        var catalog = try Fixture.catalog(
            Self.definition(1_000), Fixture.floats(1), Fixture.floats(1, name: "third"))
        let cart = try #require(catalog.sets["cart"])
        let floats = try #require(catalog.sets["floats"])
        _ = try DropTests.drop(&catalog, "nothing@1")
        var keys: [[UInt8]] = []
        var expected: [Bool] = []
        func add(_ id: String, _ set: FeatureSet, _ ages: [Int64], _ deleted: [Bool]) throws {
            let rowKey = try Self.key(id, set)
            var key = HistoryKey()
            for age in ages {
                key.build(rowKey.span, time: Fixture.now - age)
                let bytes = Fixture.bytes(key.bytes)
                keys.append(bytes)
            }
            expected += deleted
        }
        try add("a", cart, [0, 999_999, 1_000_000, 1_000_001], [false, false, false, true])
        try add("b", cart, [2_000_000], [false])
        try add("c", cart, [2_000_000, 3_000_000], [false, true])
        try add("a", floats, [0, 5], [true, true])
        #expect(keys[..<4].sorted { $0.lexicographicallyPrecedes($1) } == Array(keys[..<4]))
        var sweep = HistorySweep(catalog, now: Fixture.now)
        #expect(keys.map { sweep.deletes($0.span) } == expected)
        #expect(sweep.deletedCount == 4)
        // A set that nobody knows is left alone.
        var other = HistorySweep(try Fixture.catalog(Fixture.mixed()), now: Fixture.now)
        let rowKey = try Self.key("a", floats)
        var key = HistoryKey()
        key.build(rowKey.span, time: 1)
        let isDeleted = other.deletes(key.bytes)
        #expect(!isDeleted)
    }

    @Test func `the longest key of a row has room for a time behind it`() throws {
        var key = RowKey()
        key.start(kindsID: 1)
        try key.append(String(repeating: "x", count: 256))
        try key.append(String(repeating: "y", count: 232))
        try key.finish(setID: 1)
        let count = key.bytes.count
        #expect(count == FeatureLimits.keyByteCountMax)
        var history = HistoryKey()
        history.build(key.bytes, time: 5)
        let historyCount = history.bytes.count
        #expect(historyCount == 504)
        #expect(HistoryKey.time(of: history.bytes) == 5)
        guard let rowKey = HistoryKey.rowKey(of: history.bytes) else {
            Issue.record("not a key of the history")
            return
        }
        let (found, built) = (Fixture.bytes(rowKey), Fixture.bytes(key.bytes))
        #expect(found == built)
    }
}
