// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Testing

/// Rows that consist of one write only take a shorter way; what they come to must be the same.
@Suite struct AloneTests {
    /// What a merge came to, and the row that it made.
    private struct Result: Equatable {
        var outcome: MergeOutcome
        var row: [UInt8] = []
    }

    private func merge(
        _ write: PreparedWrite, _ stored: [UInt8]?, of set: FeatureSet, isShort: Bool
    ) -> Result {
        var scratch = RowScratch()
        // Later than any value: with it a merge goes the long way and leaves nothing out.
        let notAfter: Int64 = isShort ? .max : .max - 1
        let outcome: MergeOutcome
        if let stored {
            outcome = write.merge(
                row: 0, into: stored.span, of: set, with: &scratch, sequence: 9, notAfter: notAfter)
        } else {
            outcome = write.merge(
                row: 0, into: nil, of: set, with: &scratch, sequence: 9, notAfter: notAfter)
        }
        let isChanged = outcome == .changed || outcome == .replacedDamaged
        return Result(outcome: outcome, row: isChanged ? Fixture.bytes(scratch.row) : [])
    }

    @Test(arguments: 0..<40)
    func `the short way gives the bytes of a merge, over nothing, a row and a damaged row`(
        seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        var definition = try Fixture.mixed()
        definition.features.removeAll { $0.type == .string }
        let catalog = try Fixture.catalog(definition)
        let set = try #require(catalog.sets["cart"])
        let features = set.newest.features
        var stored: [UInt8]?
        for var write in MergeTests.randomWrites(60, features, &generator) {
            if Bool.random(using: &generator) {
                // Of all columns, so that it may replace the row.
                for feature in features {
                    write.cells[feature.name] = MergeTests.randomCell(feature.type, &generator)
                }
            }
            let prepared = try Fixture.prepare(MergeTests.request([write], features), set)
            let long = merge(prepared, stored, of: set, isShort: false)
            #expect(merge(prepared, stored, of: set, isShort: true) == long, "seed \(seed)")
            if !long.row.isEmpty { stored = long.row }
            if var damaged = stored {
                damaged[Int.random(in: 4..<damaged.count, using: &generator)] ^= 1
                let replaced = merge(prepared, damaged, of: set, isShort: false)
                #expect(merge(prepared, damaged, of: set, isShort: true) == replaced)
            }
        }
    }

    @Test func `rows of more than one presence word and of a dropped version are the same`() throws
    {
        var catalog = try Fixture.catalog(Fixture.floats(70))
        var smaller = try Fixture.floats(70)
        smaller.version = 2
        smaller.features.removeSubrange(30..<40)
        _ = try catalog.apply(smaller)
        let set = try #require(catalog.sets["floats"])
        for version in [1, 2] as [UInt32] {
            let features = try #require(set.version(version)).features
            let request = Fixture.request(
                ["s"], features.map { .floats($0.name, [1.5]) })
            let write = try Fixture.prepare(request, set, version: version)
            #expect(
                merge(write, nil, of: set, isShort: true)
                    == merge(write, nil, of: set, isShort: false))
        }
    }
}
