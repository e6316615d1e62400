// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Testing

@Suite struct ReadTests {
    static func set() throws -> FeatureSet {
        try Fixture.require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
    }

    @Test func `an entity without a row has no values but defaults`() throws {
        let readings = try Fixture.read(nil, Self.set())
        #expect(
            readings.map(\.status) == [
                .defaulted, .noEntity, .defaulted, .noEntity, .defaulted, .noEntity,
            ])
        #expect(
            readings.map(\.value) == [
                .float32(2.5), .float64(0), .int64(7), .bool(false), .string("ch"), .string(""),
            ])
        #expect(readings.allSatisfy { $0.ageMilliseconds == -1 })
    }

    @Test func `a value is stale after its max age and expired after the ttl, to the microsecond`()
        throws
    {
        let set = try Self.set()
        let row = try Fixture.row(
            Fixture.request(["s"], [.floats("amount", [1]), .doubles("total", [2])]), set)
        func statuses(after microseconds: Int64) throws -> [ValueStatus] {
            try Fixture.read(row, set, now: Fixture.now + microseconds).prefix(2).map(\.status)
        }
        #expect(try statuses(after: -5_000_000) == [.present, .present])
        #expect(try statuses(after: 60_000_000) == [.present, .present])
        #expect(try statuses(after: 60_000_001) == [.stale, .present])
        #expect(try statuses(after: 3_600_000_000) == [.stale, .present])
        #expect(try statuses(after: 3_600_000_001) == [.defaulted, .expired])
        let stale = try Fixture.read(row, set, now: Fixture.now + 61_000_000)[0]
        #expect(stale == Reading(status: .stale, value: .float32(1), ageMilliseconds: 61_000))
        let future = try Fixture.read(row, set, now: Fixture.now - 5_000_000)[0]
        #expect(future.ageMilliseconds == 0)
        let expired = try Fixture.read(row, set, now: Fixture.now + 4_000_000_000)
        #expect(expired[0].value == .float32(2.5))
        #expect(expired[1].value == .float64(0))
        #expect(expired[1].ageMilliseconds == 4_000_000)
    }

    @Test func `a null is null until it expires, and no default hides it`() throws {
        let set = try Self.set()
        let row = try Fixture.row(
            Fixture.request(["s"], [.floats("amount", [0], nulls: [1])]), set)
        func status(after microseconds: Int64) throws -> ValueStatus {
            try Fixture.read(row, set, now: Fixture.now + microseconds)[0].status
        }
        #expect(try status(after: 0) == .null)
        #expect(try status(after: 61_000_000) == .null)
        #expect(try status(after: 3_600_000_001) == .defaulted)
    }

    @Test func `features are read in the order asked for, several entities at once`() throws {
        let set = try Self.set()
        let row = try Fixture.row(
            Fixture.request(["s"], [.flags("member", [true]), .texts("browser", ["w3m"])]), set)
        let plan = try ReadPlan(
            set: set, version: set.newest, features: ["browser", "member", "browser"])
        var rows = ReadRows()
        let values = try Fixture.values(
            [row, nil, Array(row[..<8])], plan, now: Fixture.now, with: &rows)
        let damagedRowCount = rows.damagedRowCount
        #expect(damagedRowCount == 1)
        #expect(values.featureSet == "cart@1")
        #expect(values.columns.map(\.name) == ["browser", "member", "browser"])
        #expect(values.columns[0].statuses == [1, 3, 8])
        #expect(
            values.columns[0].values == .texts(KassaV1.TextValues(values: ["w3m", "", ""])))
        #expect(
            values.columns[1].values == .flags(KassaV1.FlagValues(values: [true, false, false])))
        #expect(values.columns[1].type == .bool)
        #expect(throws: FieldError.self) {
            try ReadPlan(set: set, version: set.newest, features: ["member", "nothing"])
        }
    }

    @Test func `statuses and types have the API's numbers`() throws {
        let pairs: [(ValueStatus, KassaV1.Status)] = [
            (.present, .present), (.null, .null), (.noEntity, .noEntity),
            (.noFeature, .noFeature), (.stale, .stale), (.expired, .expired),
            (.defaulted, .defaulted), (.invalid, .invalid),
        ]
        for (ours, theirs) in pairs { #expect(Int32(ours.rawValue) == theirs.rawValue) }
        for code in 1...8 as ClosedRange<UInt8> {
            let type = try #require(FeatureType(code: code, dimension: code == 7 ? 9 : 0))
            #expect(type.code == code)
            let name = KassaV1.FeatureType(rawValue: Int32(code)).name
            #expect(name == type.name.split(separator: "[")[0].uppercased())
        }
        for code in [0, 9] as [UInt8] { #expect(FeatureType(code: code) == nil) }
        #expect(FeatureType(code: 7, dimension: 512) == .vector(512))
        #expect(FeatureType(code: 7, dimension: 513) == nil)
        #expect(FeatureType(code: 7) == nil)
        #expect(FeatureType(code: 3, dimension: 1) == nil)
    }
}
