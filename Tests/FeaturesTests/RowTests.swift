// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Testing

@Suite struct RowTests {
    static func mixedRow(_ set: FeatureSet) throws -> [UInt8] {
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        let first = Fixture.request(
            ["s"],
            [
                .floats("amount", [1.5]), .doubles("total", [2.25]), .texts("country", ["de"]),
                .texts("browser", ["firefox"]),
            ])
        let second = Fixture.request(
            ["s"], [.integers("items", [-3]), .flags("member", [true])], times: [Fixture.now - 9])
        for request in [first, second] {
            _ = Fixture.apply(
                try Fixture.prepare(request, set), to: &rows, of: set, &scratch, sequence: 11)
        }
        return try Fixture.require(rows.values.first)
    }

    /// The same with a value of every newer type.
    static func richRow(_ set: FeatureSet) throws -> [UInt8] {
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        let request = Fixture.request(
            ["s"],
            [
                .floats("amount", [1.5]), .texts("country", ["de"]), .integers("seen", [-5]),
                .vectors("taste", [[1, 2, 3]]), .lists("tags", [["a", "bc", ""]]),
                .vectors("look", [[4, 5]]), .texts("browser", ["firefox"]),
            ])
        let second = Fixture.request(["s"], [.integers("since", [7])], times: [Fixture.now - 9])
        for request in [request, second] {
            _ = Fixture.apply(
                try Fixture.prepare(request, set), to: &rows, of: set, &scratch, sequence: 11)
        }
        return try Fixture.require(rows.values.first)
    }

    /// A row with another checksum that is right for its bytes.
    static func sealed(_ row: [UInt8]) -> [UInt8] {
        let checksum = CRC32C.checksum(row.span.extracting(droppingFirst: 4))
        return (0..<4).map { UInt8(truncatingIfNeeded: checksum >> ($0 * 8)) } + row[4...]
    }

    static func gather(_ plan: VectorPlan, _ row: [UInt8]?, now: Int64 = Fixture.now) -> Gathered {
        var values = [Double](repeating: -99, count: plan.count)
        var statuses = [UInt8](repeating: 99, count: plan.count)
        var ages = [Int64](repeating: -99, count: plan.count)
        var summary = GatherSummary()
        var valueSpan = values.mutableSpan
        var statusSpan = statuses.mutableSpan
        var ageSpan = ages.mutableSpan
        if let row {
            plan.gather(
                row.span, group: 0, now: now, into: &valueSpan, &statusSpan, &ageSpan, &summary)
        } else {
            plan.gather(
                nil, group: 0, now: now, into: &valueSpan, &statusSpan, &ageSpan, &summary)
        }
        return Gathered(
            values: values, statuses: statuses.map { ValueStatus(rawValue: $0) }, ages: ages,
            summary: summary)
    }

    struct Gathered {
        var values: [Double]
        var statuses: [ValueStatus?]
        var ages: [Int64]
        var summary: GatherSummary
    }

    static func plan(_ set: FeatureSet) throws -> VectorPlan {
        try VectorPlan(
            set.newest.features.filter { $0.type != .strings }.map {
                VectorInput(
                    set: set, version: set.newest, feature: $0.name,
                    categories: $0.type == .string ? ["at", "de", "firefox"] : [])
            })
    }

    @Test func `every single bit flip of a row makes all its values invalid`() throws {
        let set = try #require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
        let plan = try Self.plan(set)
        let row = try Self.mixedRow(set)
        #expect(try Fixture.read(row, set).allSatisfy { $0.status == .present })
        for bit in 0..<row.count * 8 {
            var flipped = row
            flipped[bit >> 3] ^= 1 << (bit & 7)
            let readings = try Fixture.read(flipped, set)
            #expect(readings.allSatisfy { $0.status == .invalid && $0.ageMilliseconds == -1 })
            let gathered = Self.gather(plan, flipped)
            #expect(gathered.statuses.allSatisfy { $0 == .invalid })
            #expect(gathered.values.allSatisfy { $0.isNaN })
            #expect(gathered.summary.damagedRowCount == 1)
        }
    }

    @Test func `every truncation of a row makes all its values invalid`() throws {
        let set = try #require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
        let plan = try Self.plan(set)
        let row = try Self.mixedRow(set)
        for count in 0..<row.count {
            let cut = Array(row[..<count])
            #expect(try Fixture.read(cut, set).allSatisfy { $0.status == .invalid })
            #expect(Self.gather(plan, cut).statuses.allSatisfy { $0 == .invalid })
        }
        #expect(try Fixture.read(row + row, set).allSatisfy { $0.status == .invalid })
    }

    @Test(arguments: 0..<20)
    func `a row with a forged checksum never traps`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let set = try #require(try Fixture.catalog(Fixture.rich()).sets["cart"])
        let plan = try Self.plan(set)
        let row = try Self.richRow(set)
        let write = try Fixture.prepare(Fixture.request(["s"], [.floats("amount", [1])]), set)
        var scratch = RowScratch()
        for _ in 0..<300 {
            var forged = row
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                forged[Int.random(in: 8..<row.count, using: &generator)] =
                    UInt8.random(in: .min ... .max, using: &generator)
            }
            forged = Self.sealed(forged)
            _ = try Fixture.read(forged, set)
            _ = Self.gather(plan, forged)
            _ = write.merge(row: 0, into: forged.span, of: set, with: &scratch, sequence: 1)
            _ = scratch.clean(forged.span, of: set, erasedUntil: Fixture.now - 5)
        }
        // Every header byte in turn, with every value.
        for index in 8..<RowLayout.headerByteCount + 8 {
            for value in UInt8.min...UInt8.max {
                var forged = row
                forged[index] = value
                forged = Self.sealed(forged)
                _ = try Fixture.read(forged, set)
                _ = Self.gather(plan, forged)
                _ = write.merge(row: 0, into: forged.span, of: set, with: &scratch, sequence: 1)
            }
        }
    }

    @Test func `32 floats with their key take at most 1.6 times their bare size`() throws {
        let set = try #require(try Fixture.catalog(Fixture.floats(32)).sets["floats"])
        let id = "s-0123456789abcdef"
        let request = Fixture.request(
            [id], (0..<32).map { .floats("f\($0)", [Float($0)]) })
        let write = try Fixture.prepare(request, set)
        let row = try Fixture.row(request, set)
        let keyByteCount = write.key(0).count
        #expect(row.count == 32 + 8 + 32 * 4)
        #expect(Double(row.count + keyByteCount) <= 1.6 * 32 * 4)
    }

    @Test func `lengths of rows and keys are multiples of 8 and wide slots are 8-aligned`() throws {
        let set = try #require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
        for length in 0..<40 {
            let request = Fixture.request(
                [String(repeating: "i", count: length + 1)],
                [.texts("browser", [String(repeating: "b", count: length)])])
            let write = try Fixture.prepare(request, set)
            let keyByteCount = write.key(0).count
            #expect(keyByteCount % 8 == 0)
            #expect(try Fixture.row(request, set).count % 8 == 0)
        }
        let layout = set.newestLayout
        for (type, offset) in zip(layout.types, layout.offsets) {
            #expect(offset % type.slotByteCount == 0)
        }
    }

    @Test func `a row of an unknown layout is invalid to read and kept from writes`() throws {
        let old = try #require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
        var row = try Self.mixedRow(old)
        row[24] = 2
        row = Self.sealed(row)
        #expect(try Fixture.read(row, old).allSatisfy { $0.status == .invalid })
        let write = try Fixture.prepare(Fixture.request(["s"], [.floats("amount", [1])]), old)
        var scratch = RowScratch()
        let outcome = write.merge(row: 0, into: row.span, of: old, with: &scratch, sequence: 1)
        #expect(outcome == .unknownLayout)
    }
}
