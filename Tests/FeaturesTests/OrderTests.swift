// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Store
import Testing

/// Writes are applied in the order of their keys, and loads append.
@Suite struct OrderTests {
    private let features = 8

    private func write(
        _ rows: [(id: String, value: Float)], _ set: FeatureSet, time: Int64 = Fixture.now
    ) throws -> PreparedWrite {
        try Fixture.prepare(
            Fixture.request(
                rows.map(\.id), (0..<features).map { .floats("f\($0)", rows.map(\.value)) },
                times: [time]),
            set)
    }

    private func load(
        _ write: PreparedWrite, _ set: FeatureSet, _ store: StoreFixture
    ) throws -> (tally: WriteTally, duplicateKeys: Int) {
        let tables = WriteTables(rows: store.rows, tombstones: store.tombstones)
        return try store.writer.run { transaction, sequence in
            var scratch = RowScratch()
            return try write.loadAll(
                in: &transaction, tables, of: set, with: &scratch, sequence: sequence,
                isLive: { _ in false })
        }
    }

    @Test func `a load in any order, with repeated keys and refused rows, stores the same`() throws
    {
        let catalog = try Fixture.catalog(Fixture.floats(features))
        let set = try #require(catalog.sets["floats"])
        var generator = SeededGenerator(seed: 4)
        // Of equal times the greater value wins, so that the last of a key is the one.
        var rows = (0..<3_000).map { (id: "s-\($0)", value: Float($0 + 1)) }
        rows += rows.prefix(50).map { ($0.id, $0.value + 10_000) }
        var expected: [[UInt8]: [UInt8]]?
        for isShuffled in [false, true] {
            if isShuffled { rows.shuffle(using: &generator) }
            let store = try StoreFixture()
            var duplicateKeys = 0
            var applied = 0
            var ignored = 0
            for start in stride(from: 0, to: rows.count, by: 700) {
                var batch = Array(rows[start..<min(start + 700, rows.count)])
                batch.insert(("", 1), at: 3)
                let prepared = try write(batch, set)
                #expect(prepared.refusals.map(\.row) == [3])
                let result = try load(prepared, set, store)
                duplicateKeys += result.duplicateKeys
                applied += result.tally.applied
                ignored += result.tally.ignoredOlder
            }
            #expect(applied + ignored == rows.count)
            #expect(duplicateKeys == (isShuffled ? duplicateKeys : 50))
            #expect(duplicateKeys <= 50)
            let contents = Dictionary(
                uniqueKeysWithValues: try store.contents(store.rows).map {
                    ($0.key, Fixture.content($0.value))
                })
            #expect(contents.count == 3_000)
            if let expected { #expect(contents == expected) }
            expected = contents
        }
    }

    @Test func `rows that come by key fill the pages, each write and the next`() throws {
        let catalog = try Fixture.catalog(Fixture.floats(features))
        let set = try #require(catalog.sets["floats"])
        let rows = (0..<8_000).map { (id: "s-\($0)", value: Float($0 + 1)) }
        func pages(_ rows: [(id: String, value: Float)]) throws -> UInt64 {
            let store = try StoreFixture()
            for start in stride(from: 0, to: rows.count, by: 1_000) {
                // Within a write the order is made; over writes it must be there.
                let batch = Array(rows[start..<start + 1_000].reversed())
                _ = try load(try write(batch, set), set, store)
            }
            return try #require(
                try store.environment.statistics().tables.first { $0.name == "rows" }
            ).pages
        }
        let byKey = try pages(rows.sorted { $0.id < $1.id })
        #expect(try byKey * 5 < pages(rows.reversed()) * 3)
        // 72 bytes of row, 16 of key, 8 and 2 of LMDB for each, and 16 a page.
        #expect(byKey <= UInt64(8_000 / (4_080 / 98) + 10))
    }

    @Test func `an erased entity is not loaded, whether its row would be appended or not`() throws {
        let catalog = try Fixture.catalog(Fixture.floats(features))
        let set = try #require(catalog.sets["floats"])
        let store = try StoreFixture()
        var key = TombstoneKey()
        key.build(kind: "session", id: "s-5".utf8Span.span)
        let receipt = [UInt8](repeating: 0, count: 32)
        let tombstone = Tombstone(erasedUntil: Fixture.now, sequence: 1, receipt: receipt)
        try store.put(tombstone.encoded, Fixture.bytes(key.bytes), in: store.tombstones)
        for ids in [["s-4", "s-5", "s-6"], ["s-1", "s-5", "s-2"]] {
            let result = try load(try write(ids.map { ($0, 1) }, set), set, store)
            #expect(result.tally.applied == 2)
            #expect(result.tally.ignoredErased == 1)
        }
        #expect(try store.contents(store.rows).count == 4)
    }
}
