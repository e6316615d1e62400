// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Testing

/// Erased entities, and that nothing brings them back.
@Suite struct EraseTests {
    static let receipt = [UInt8](repeating: 7, count: 32)

    @Test func `a tombstone survives the store and no bit of it may differ`() throws {
        let tombstone = Tombstone(erasedUntil: -5, sequence: 1 << 63, receipt: Self.receipt)
        let bytes = tombstone.encoded
        #expect(bytes.count == Tombstone.byteCount)
        #expect(try Tombstone(bytes.span) == tombstone)
        for bit in 0..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit >> 3] ^= 1 << (bit & 7)
            #expect(throws: RowDamage.damaged) { try Tombstone(flipped.span) }
        }
        for count in 0..<bytes.count {
            #expect(throws: RowDamage.damaged) {
                try Tombstone(bytes.span.extracting(first: count))
            }
        }
    }

    @Test func `of two erasures the later time counts, in any order`() {
        let one = Tombstone(erasedUntil: 5, sequence: 9, receipt: Self.receipt)
        let two = Tombstone(erasedUntil: 6, sequence: 1, receipt: Self.receipt)
        let three = Tombstone(erasedUntil: 6, sequence: 2, receipt: Self.receipt)
        #expect(one.merged(with: two) == two)
        #expect(two.merged(with: one) == two)
        #expect(two.merged(with: three) == three)
        #expect(three.merged(with: two) == three)
    }

    @Test func `keys of tombstones are apart and fit the store`() {
        var keys: Set<[UInt8]> = []
        let longest = String(repeating: "x", count: 256)
        let entities = [
            ("a", "b"), ("a", "bb"), ("aa", "b"), ("ab", "b"), ("a", "b b"), ("a", longest),
            (String(repeating: "k", count: 64), longest), ("session", "s-12345"),
        ]
        var key = TombstoneKey()
        for (kind, id) in entities {
            key.build(kind: kind, id: id.utf8Span.span)
            let bytes = Fixture.bytes(key.bytes)
            #expect(bytes.count % 8 == 0)
            #expect(bytes.count <= FeatureLimits.keyByteCountMax)
            #expect(bytes.last == 0)
            #expect(keys.insert(bytes).inserted)
        }
    }

    /// Rows of a customer alone, with a product, and behind a session.
    static func catalog() throws -> FeatureCatalog {
        var catalog = FeatureCatalog()
        for (name, kinds) in [
            ("profile", ["customer"]), ("views", ["customer", "product"]),
            ("visit", ["session", "customer"]), ("stock", ["product"]),
        ] {
            var definition = try FeatureSetDefinition(
                name: name, entityKinds: kinds,
                features: [FeatureDefinition(name: "x", type: .float64)])
            definition.historyMilliseconds = 1_000_000
            _ = try catalog.apply(definition)
        }
        return catalog
    }

    static func write(
        _ ids: [String: [String]], _ set: FeatureSet, _ store: StoreFixture, time: Int64,
        value: Double = 1
    ) throws -> WriteTally {
        let count = ids.values.first?.count ?? 0
        let request = KassaV1.WriteRequest(
            keys: ids.map { KassaV1.KeyColumn(kind: $0.key, ids: $0.value) },
            eventTimeUs: [time],
            columns: [.doubles("x", [Double](repeating: value, count: count))])
        return try store.apply(Fixture.prepare(request, set), to: set)
    }

    /// What the engine does for an erasure, on the writer's thread.
    static func erase(
        _ request: KassaV1.EraseRequest, _ catalog: FeatureCatalog, _ store: StoreFixture,
        now: Int64
    ) throws -> KassaV1.EraseResponse {
        let entity = try Fixture.require(request.entity)
        var tally = EraseTally(catalog)
        for scan in try EraseScan.scans(of: entity, in: catalog) {
            let rows = try store.contents(store.rows, prefix: scan.prefix)
                .filter { scan.matches($0.key.span) }
            for (key, value) in rows { tally.note(key.span, value.span) }
            try store.delete(rows.map(\.key), in: store.rows)
            let history = try store.contents(store.history, prefix: scan.prefix)
                .filter { scan.matches($0.key.span) }
            for (key, _) in history { tally.noteHistory(key.span) }
            try store.delete(history.map(\.key), in: store.history)
        }
        let response = tally.response(to: request, now: now)
        var key = TombstoneKey()
        key.build(kind: entity.kind, id: entity.id.utf8Span.span)
        let bytes = Fixture.bytes(key.bytes)
        try store.put(
            tally.tombstone(response, sequence: 3).encoded, bytes, in: store.tombstones)
        return response
    }

    @Test func `an erasure finds every row that the entity takes part in, and no other`() throws {
        let store = try StoreFixture()
        let catalog = try Self.catalog()
        let profile = try #require(catalog.sets["profile"])
        let views = try #require(catalog.sets["views"])
        let visit = try #require(catalog.sets["visit"])
        let stock = try #require(catalog.sets["stock"])
        let now = Fixture.now
        // A writer whose clock runs ahead.
        let ahead = now + 60_000_000
        _ = try Self.write(["customer": ["c", "c2", "d"]], profile, store, time: now - 9)
        _ = try Self.write(
            ["customer": ["c", "c", "d"], "product": ["p", "q", "c"]], views, store, time: ahead)
        _ = try Self.write(
            ["session": ["s", "c", "s"], "customer": ["c", "d", "c2"]], visit, store, time: now)
        _ = try Self.write(["product": ["c", "p"]], stock, store, time: now)
        // Two times of one row.
        _ = try Self.write(["customer": ["c"]], profile, store, time: now - 5, value: 2)
        let request = KassaV1.EraseRequest(
            entity: KassaV1.EntityKey(kind: "customer", id: "c"), actor: "dpo", reason: "art. 17")
        let response = try Self.erase(request, catalog, store, now: now)
        #expect(
            response.erased == [
                KassaV1.ErasedRows(featureSet: "profile", rows: 1, historyRows: 2),
                KassaV1.ErasedRows(featureSet: "views", rows: 2, historyRows: 2),
                KassaV1.ErasedRows(featureSet: "visit", rows: 1, historyRows: 1),
            ])
        #expect(response.erasedUntilUs == ahead)
        #expect(response.receiptId == EraseTally.receipt(request, response))
        #expect(response.receiptId.count == 32)
        var other = request
        other.reason = "art. 18"
        #expect(EraseTally.receipt(other, response) != response.receiptId)
        #expect(try store.contents(store.rows).count == 2 + 1 + 2 + 2)

        // What is older stays away, in rows of any set and by any key; what is newer does not.
        #expect(try Self.write(["customer": ["c"]], profile, store, time: ahead).ignoredErased == 1)
        let pair = try Self.write(
            ["customer": ["c", "d"], "product": ["p", "p"]], views, store, time: ahead)
        #expect(pair.ignoredErased == 1)
        #expect(pair.applied == 1)
        #expect(
            try Self.write(["session": ["s"], "customer": ["c"]], visit, store, time: now)
                .ignoredErased == 1)
        #expect(try Self.write(["product": ["c"]], stock, store, time: now + 1).applied == 1)
        #expect(try Self.write(["customer": ["c"]], profile, store, time: ahead + 1).applied == 1)
        // A second erasure counts what came back.
        let second = try Self.erase(request, catalog, store, now: ahead + 2)
        #expect(
            second.erased == [
                KassaV1.ErasedRows(featureSet: "profile", rows: 1, historyRows: 1)
            ])
    }

    @Test func `an erasure of a kind that nobody knows, or of no id, is refused`() throws {
        let catalog = try Self.catalog()
        func field(_ kind: String, _ id: String) -> String? {
            do throws(FieldError) {
                _ = try EraseScan.scans(
                    of: KassaV1.EntityKey(kind: kind, id: id), in: catalog)
                return nil
            } catch { return error.field }
        }
        #expect(field("customer", "c") == nil)
        #expect(field("customers", "c") == "entity.kind")
        #expect(field("customer", "") == "entity.id")
        #expect(field("customer", "a\0b") == "entity.id")
        #expect(field("customer", String(repeating: "x", count: 257)) == "entity.id")
    }

    @Test func `a write to a restored row takes out what was erased, even if it is older`() throws {
        let set = try #require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
        let now = Fixture.now
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        for (column, time) in [
            (KassaV1.Column.floats("amount", [1]), now - 9), (.doubles("total", [2]), now),
        ] {
            let write = try Fixture.prepare(
                Fixture.request(["s"], [column], times: [time]), set)
            _ = Fixture.apply(write, to: &rows, of: set, &scratch)
        }
        let row = try #require(rows.values.first)
        let older = try Fixture.prepare(
            Fixture.request(["s"], [.doubles("total", [7])], times: [now - 1]), set)
        #expect(
            older.merge(
                row: 0, into: row.span, of: set, with: &scratch, sequence: 2,
                erasedUntil: now - 5) == .changed)
        let cleaned = Fixture.bytes(scratch.row)
        let readings = try Fixture.read(cleaned, set)
        #expect(readings[0].status == .defaulted)
        #expect(readings[1].value == .float64(2))
        #expect(
            older.merge(
                row: 0, into: cleaned.span, of: set, with: &scratch, sequence: 2,
                erasedUntil: now - 5) == .unchanged)
        #expect(
            older.merge(
                row: 0, into: row.span, of: set, with: &scratch, sequence: 2,
                erasedUntil: now - 1) == .erased)
    }

    @Test func `a damaged tombstone refuses writes of its entity`() throws {
        let store = try StoreFixture()
        let catalog = try Self.catalog()
        let profile = try #require(catalog.sets["profile"])
        var key = TombstoneKey()
        key.build(kind: "customer", id: "c".utf8Span.span)
        let bytes = Fixture.bytes(key.bytes)
        var tombstone = Tombstone(erasedUntil: 0, sequence: 1, receipt: Self.receipt).encoded
        tombstone[9] ^= 1
        try store.put(tombstone, bytes, in: store.tombstones)
        let tally = try Self.write(
            ["customer": ["c", "d"]], profile, store, time: Fixture.now)
        #expect(tally.applied == 1)
        #expect(
            tally.refusals == [
                RowRefusal(
                    row: 0, field: "keys",
                    reason: "belong to an entity whose tombstone is damaged")
            ])
        #expect(try store.contents(store.rows).count == 1)
    }

    @Test(arguments: 0..<60)
    func `erased values are gone for ever whatever the order of writes, erasures and restores`(
        seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let set = try #require(try Fixture.catalog(Fixture.rich()).sets["cart"])
        let features = set.newest.features
        var writes = MergeTests.randomWrites(20, features, &generator)
        for index in writes.indices { writes[index].id = "s" }
        let erasedUntil = Fixture.now + Int64.random(in: -4...2, using: &generator)
        var expected: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        let survivors = writes.filter { $0.time > erasedUntil }
        if !survivors.isEmpty {
            _ = Fixture.apply(
                try Fixture.prepare(MergeTests.request(survivors, features), set), to: &expected,
                of: set, &scratch)
        }
        for _ in 0..<6 {
            writes.shuffle(using: &generator)
            let place = Int.random(in: 0...writes.count, using: &generator)
            var row: [UInt8]?
            var backup: [UInt8]?
            func merge(_ write: MergeTests.Write, erasedUntil: Int64) throws {
                let prepared = try Fixture.prepare(MergeTests.request([write], features), set)
                let outcome: MergeOutcome
                if let stored = row {
                    outcome = prepared.merge(
                        row: 0, into: stored.span, of: set, with: &scratch, sequence: 1,
                        erasedUntil: erasedUntil)
                } else {
                    outcome = prepared.merge(
                        row: 0, into: nil, of: set, with: &scratch, sequence: 1,
                        erasedUntil: erasedUntil)
                }
                #expect((outcome == .erased) == (write.time <= erasedUntil))
                if outcome == .changed { row = Fixture.bytes(scratch.row) }
            }
            func clean() {
                guard let stored = row else { return }
                switch scratch.clean(stored.span, of: set, erasedUntil: erasedUntil) {
                case .changed: row = Fixture.bytes(scratch.row)
                case .empty: row = nil
                case .unchanged: break
                case .damaged, .unknownLayout, .tooLarge: Issue.record("seed \(seed)")
                }
            }
            for write in writes[..<place] {
                try merge(write, erasedUntil: .min)
                if Bool.random(using: &generator) { backup = row }
            }
            clean()
            // A restore brings back what was; it is cleaned, or the next write cleans it.
            let isRestored = Bool.random(using: &generator)
            if isRestored, let backup {
                row = backup
                if Bool.random(using: &generator) { clean() }
            }
            // All writes are told again, for the restore may have lost some.
            for write in writes.shuffled(using: &generator) {
                try merge(write, erasedUntil: erasedUntil)
            }
            clean()
            #expect(
                row.map(Fixture.content) == expected.values.first.map(Fixture.content),
                "seed \(seed)")
            let once = row
            clean()
            #expect(row == once, "seed \(seed)")
        }
    }
}
