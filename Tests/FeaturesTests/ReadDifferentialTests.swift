// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Testing
import Wire

/// The reply that is encoded column by column, against one that is put together cell by cell.
@Suite struct ReadDifferentialTests {
    /// A version with features of random types, with random defaults, ages and policies.
    static func definition(_ generator: inout SeededGenerator) throws -> FeatureSetDefinition {
        let types: [FeatureType] = [
            .float32, .float64, .int64, .bool, .string, .timestamp, .vector(3), .strings,
        ]
        // Wide ones have more than one word of presence.
        let count = Int.random(in: 1...(Bool.random(using: &generator) ? 6 : 70), using: &generator)
        let isPlain = Int.random(in: 0..<3, using: &generator) == 0
        let features = (0..<count).map { index in
            let type =
                isPlain && Int.random(in: 0..<8, using: &generator) > 0
                ? FeatureType.float32 : types[Int.random(in: 0..<types.count, using: &generator)]
            var feature = FeatureDefinition(name: "f\(index)", type: type)
            if Int.random(in: 0..<3, using: &generator) == 0,
                case .value(let value) = MergeTests.randomCell(type, &generator)
            {
                feature.defaultValue = value
                feature.onMissing =
                    [nil, .useDefault, .missing][
                        Int.random(in: 0..<3, using: &generator)]
                feature.onStale = [nil, .useDefault][Int.random(in: 0..<2, using: &generator)]
            }
            if Int.random(in: 0..<4, using: &generator) == 0 {
                feature.maxAgeMilliseconds = UInt64.random(in: 1...4, using: &generator)
            }
            return feature
        }
        return try FeatureSetDefinition(
            name: "cart", entityKinds: ["session"], features: features,
            ttlMilliseconds: Bool.random(using: &generator) ? 0 : 5)
    }

    /// Rows of some sessions: whole ones of one time, and such that several writes left.
    static func rows(
        _ set: FeatureSet, version: UInt32, _ generator: inout SeededGenerator
    ) throws -> [[UInt8]] {
        let found = try Fixture.require(set.version(version))
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        for session in 0..<Int.random(in: 1...8, using: &generator) {
            let isWhole = Bool.random(using: &generator)
            for _ in 0..<(isWhole ? 1 : Int.random(in: 1...4, using: &generator)) {
                var cells: [String: MergeTests.Cell] = [:]
                for feature in found.features {
                    var cell = MergeTests.randomCell(feature.type, &generator)
                    while isWhole, cell == .null {
                        cell = MergeTests.randomCell(feature.type, &generator)
                    }
                    if isWhole || Bool.random(using: &generator) { cells[feature.name] = cell }
                }
                let write = MergeTests.Write(
                    id: "s-\(session)",
                    time: Fixture.now - Int64.random(in: 0...6_000, using: &generator),
                    cells: cells)
                _ = Fixture.apply(
                    try Fixture.prepare(
                        MergeTests.request([write], found.features), set, version: version),
                    to: &rows, of: set, &scratch)
            }
        }
        return Array(rows.values)
    }

    @Test(arguments: 0..<400)
    func `any rows and selection read the same column by column and cell by cell`(
        seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        var definition = try Self.definition(&generator)
        var catalog = try Fixture.catalog(definition)
        var stored = try Self.rows(
            try #require(catalog.sets["cart"]), version: 1, &generator)
        if Bool.random(using: &generator) {
            // A second layout, where narrower columns lie elsewhere, and a version without a column.
            definition.features.append(FeatureDefinition(name: "new", type: .float64))
            if definition.features.count > 2 { definition.features.removeFirst() }
            definition.version = 2
            _ = try catalog.apply(definition)
            stored += try Self.rows(
                try #require(catalog.sets["cart"]), version: 2, &generator)
        }
        let set = try #require(catalog.sets["cart"])
        var scratch = ReadRows()
        for version in set.liveVersions {
            for _ in 0..<8 {
                let names = version.features.map(\.name)
                let features =
                    Bool.random(using: &generator)
                    ? []
                    : (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                        names[Int.random(in: 0..<names.count, using: &generator)]
                    }
                let choice = Int.random(in: 0..<4, using: &generator)
                let entities = (0..<[1, 1, 3, 150][choice]).map { _ -> [UInt8]? in
                    let kind = Int.random(in: 0..<20, using: &generator)
                    if kind == 0 || stored.isEmpty { return nil }
                    var row = stored[Int.random(in: 0..<stored.count, using: &generator)]
                    if kind == 1, choice == 2 { row[row.count / 2] ^= 4 }
                    return row
                }
                let now = Fixture.now + Int64.random(in: -1_000...3_000, using: &generator)
                let plan = try ReadPlan(set: set, version: version, features: features)
                var reference = try ReferenceRead(set, version, features: features)
                for row in entities { reference.append(row, now: now) }
                let values = try Fixture.values(entities, plan, now: now, with: &scratch)
                #expect(values.encodedBytes() == reference.values.encodedBytes(), "seed \(seed)")
            }
        }
    }

    @Test func `a forged row is as invalid column by column as cell by cell`() throws {
        let set = try #require(try Fixture.catalog(Fixture.rich()).sets["cart"])
        let row = try Fixture.row(
            Fixture.request(
                ["s"],
                [
                    .floats("amount", [1]), .texts("browser", ["w3m"]),
                    .lists("tags", [["a", "b"]]),
                    .vectors("taste", [[1, 2, 3]]),
                ]), set)
        let plan = try ReadPlan(set: set, version: set.newest)
        var differences = 0
        for index in row.indices where index >= 8 {
            for bit in 0..<8 as Range<UInt8> {
                var changed = row
                changed[index] ^= 1 << bit
                let forged = RowTests.sealed(changed)
                var reference = try ReferenceRead(set, set.newest)
                reference.append(forged, now: Fixture.now)
                let values = try Fixture.values([forged], plan)
                #expect(values.encodedBytes() == reference.values.encodedBytes())
                if values.columns.contains(where: { $0.statuses == [8] }) { differences += 1 }
            }
        }
        #expect(differences > 20)
    }
}
