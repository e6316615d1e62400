// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Testing

@Suite struct WriteTests {
    static let set = try! Fixture.catalog(Fixture.mixed()).sets["cart"]!

    /// The field that a write is refused by; nil if it is taken.
    static func field(_ request: KassaV1.WriteRequest) throws -> String? {
        do {
            _ = try Fixture.prepare(request, set)
            return nil
        } catch let error as FieldError {
            return error.field
        }
    }

    static func refusals(_ request: KassaV1.WriteRequest) throws -> [RowRefusal] {
        try Fixture.prepare(request, set).refusals
    }

    @Test func `a request that makes no sense is refused whole by the name of its field`() throws {
        let column = KassaV1.Column.floats("amount", [1, 2])
        let good = Fixture.request(["a", "b"], [column])
        #expect(try Self.field(good) == nil)
        func field(_ change: (inout KassaV1.WriteRequest) -> Void) throws -> String? {
            var request = good
            change(&request)
            return try Self.field(request)
        }
        #expect(try field { $0.keys = [] } == "keys")
        #expect(try field { $0.keys[0].ids = [] } == "keys")
        #expect(try field { $0.keys[0].kind = "customer" } == "keys")
        #expect(try field { $0.keys.append($0.keys[0]) } == "keys")
        #expect(try field { $0.columns = [] } == "columns")
        #expect(try field { $0.columns[0].name = "nothing" } == "columns[0].name")
        #expect(try field { $0.columns.append(column) } == "columns[1].name")
        #expect(try field { $0.columns[0].values = nil } == "columns[0].values")
        #expect(try field { $0.columns = [.floats("amount", [1])] } == "columns[0].values")
        #expect(try field { $0.columns = [.floats("items", [1, 2])] } == "columns[0].values")
        #expect(try field { $0.columns = [.doubles("items", [1, 2])] } == "columns[0].values")
        #expect(try field { $0.columns = [.integers("member", [1, 0])] } == "columns[0].values")
        #expect(try field { $0.columns = [.floats("country", [1, 2])] } == "columns[0].values")
        #expect(try field { $0.columns = [.texts("amount", ["1", "2"])] } == "columns[0].values")
        #expect(try field { $0.columns = [.texts("country", ["a"])] } == "columns[0].values")
        #expect(try field { $0.columns[0].nulls = [0, 0] } == "columns[0].nulls")
        #expect(try field { $0.columns[0].absent = [0, 0] } == "columns[0].absent")
        #expect(try field { $0.eventTimeUs = [1, 2, 3] } == "event_time_us")
        #expect(try field { $0.eventTimeUs = [-1] } == "event_time_us")
        #expect(try field { $0.eventTimeUs = [.max] } == "event_time_us")
        #expect(try field { $0.eventTimeUs = [] } == nil)
    }

    @Test func `what a write holds while it waits is counted, refused rows too`() throws {
        let ids = (0..<1_000).map { "s\($0)" }
        let one = try Fixture.prepare(
            Fixture.request(ids, [.floats("amount", [Float](repeating: 1, count: 1_000))]),
            Self.set)
        let two = try Fixture.prepare(
            Fixture.request(
                ids,
                [
                    .floats("amount", [Float](repeating: 1, count: 1_000)),
                    .integers("items", [Int64](repeating: 1, count: 1_000)),
                ]), Self.set)
        #expect(two.byteCountEstimate - one.byteCountEstimate == 9 * 1_000)
        let refused = try Fixture.prepare(
            Fixture.request(
                ids.map { _ in "" }, [.floats("amount", [Float](repeating: 1, count: 1_000))]),
            Self.set)
        #expect(refused.acceptedRowCount == 0)
        #expect(refused.byteCountEstimate > (9 + MemoryLayout<RowRefusal>.stride) * 1_000)
    }

    @Test func `a batch holds up to 10,000 rows and a million cells`() throws {
        let ids = (0...FeatureLimits.rowsMax).map { "s\($0)" }
        let value = [Float](repeating: 1, count: ids.count)
        let most = Fixture.request(
            Array(ids.dropLast()), [.floats("amount", Array(value.dropLast()))])
        #expect(try Self.field(most) == nil)
        #expect(try Self.field(Fixture.request(ids, [.floats("amount", value)])) == "keys")

        let wide = try #require(try Fixture.catalog(Fixture.floats(101)).sets["floats"])
        let nulls = [UInt8](repeating: 0xFF, count: FeatureLimits.rowsMax / 8)
        let columns = (0..<101).map { KassaV1.Column(name: "f\($0)", nulls: nulls) }
        let rows = Array(ids.dropLast())
        let fits = try Fixture.prepare(Fixture.request(rows, Array(columns.dropLast())), wide)
        #expect(fits.rowCount == 10_000)
        #expect(throws: FieldError.self) {
            try Fixture.prepare(Fixture.request(rows, columns), wide)
        }
    }

    @Test func `a row with a bad value is refused by itself and the value is not told`() throws {
        let ids = (0..<6).map { "s\($0)" }
        let request = Fixture.request(
            ids,
            [
                .doubles("total", [1, .nan, 3, .infinity, 5, 6]),
                .floats("amount", [.nan, 2, 3, 4, -.infinity, 6]),
            ])
        let write = try Fixture.prepare(request, Self.set)
        #expect(
            write.refusals == [
                RowRefusal(row: 0, field: "amount", reason: "is not a finite number"),
                RowRefusal(row: 1, field: "total", reason: "is not a finite number"),
                RowRefusal(row: 3, field: "total", reason: "is not a finite number"),
                RowRefusal(row: 4, field: "amount", reason: "is not a finite number"),
            ])
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        #expect(
            Fixture.apply(write, to: &rows, of: Self.set, &scratch) == [.changed, .changed])
    }

    @Test func `a placeholder of a null or absent cell is not looked at`() throws {
        var column = KassaV1.Column.doubles("total", [.nan, .infinity, 1])
        column.nulls = [0b001]
        column.absent = [0b010]
        #expect(try Self.refusals(Fixture.request(["a", "b", "c"], [column])).isEmpty)
        column.nulls = [0b011]
        #expect(
            try Self.refusals(Fixture.request(["a", "b", "c"], [column]))
                == [RowRefusal(row: 1, field: "total", reason: "is both null and absent")])
        let nulls = KassaV1.Column(name: "total", nulls: [0b11], absent: [0b100])
        #expect(try Self.field(Fixture.request(["a", "b", "c"], [nulls])) == nil)
    }

    @Test func `event times may lie five minutes ahead and not before 1970`() throws {
        let skew = FeatureLimits.futureSkewMicrosecondsMax
        let times = [0, -1, Fixture.now + skew, Fixture.now + skew + 1, .min, .max]
        let ids = times.indices.map { "s\($0)" }
        let values = [Float](repeating: 1, count: ids.count)
        let refusals = try Self.refusals(
            Fixture.request(ids, [.floats("amount", values)], times: times))
        #expect(refusals.map(\.row) == [1, 3, 4, 5])
        #expect(refusals.allSatisfy { $0.field == "event_time_us" })
    }

    @Test func `a bad id refuses its row by the kind's name`() throws {
        let ids = ["", "a\0", String(repeating: "x", count: 257), "ok"]
        let request = Fixture.request(ids, [.floats("amount", [1, 2, 3, 4])])
        let write = try Fixture.prepare(request, Self.set)
        #expect(write.refusals.map(\.row) == [0, 1, 2])
        #expect(write.refusals.allSatisfy { $0.field == "keys[session]" })
        let keyByteCount = write.key(3).count
        #expect(keyByteCount == 16)
    }

    @Test func `a text has up to 1,024 bytes`() throws {
        let longest = String(repeating: "x", count: 1_024)
        let refusals = try Self.refusals(
            Fixture.request(["a", "b"], [.texts("country", [longest, longest + "x"])]))
        #expect(refusals.map(\.row) == [1])
        #expect(refusals.map(\.field) == ["country"])
    }

    @Test func `numbers go into floats where they fit`() throws {
        func reading(_ column: KassaV1.Column, _ index: Int) throws -> DefaultValue? {
            let request = Fixture.request(["s"], [column])
            guard try Self.refusals(request).isEmpty else { return nil }
            return try Fixture.read(Fixture.row(request, Self.set), Self.set)[index].value
        }
        #expect(try reading(.doubles("amount", [0.1]), 0) == .float32(0.1))
        #expect(try reading(.doubles("amount", [1e39]), 0) == nil)
        #expect(try reading(.integers("amount", [16_777_216]), 0) == .float32(16_777_216))
        #expect(try reading(.integers("amount", [16_777_217]), 0) == nil)
        #expect(try reading(.integers("amount", [.max]), 0) == nil)
        #expect(try reading(.floats("total", [0.5]), 1) == .float64(0.5))
        #expect(try reading(.integers("total", [1 << 53]), 1) == .float64(9_007_199_254_740_992))
        #expect(try reading(.integers("total", [9_007_199_254_740_993]), 1) == nil)
        #expect(try reading(.integers("items", [.min]), 2) == .int64(.min))
        #expect(try reading(.flags("member", [true]), 3) == .bool(true))
    }

    @Test func `a key of several kinds takes its columns in any order`() throws {
        let definition = try FeatureSetDefinition(
            name: "pair", entityKinds: ["session", "product"],
            features: [FeatureDefinition(name: "views", type: .int64)])
        let set = try #require(try Fixture.catalog(definition).sets["pair"])
        let session = KassaV1.KeyColumn(kind: "session", ids: ["s"])
        let product = KassaV1.KeyColumn(kind: "product", ids: ["p"])
        let columns = [KassaV1.Column.integers("views", [1])]
        let one = try Fixture.prepare(
            KassaV1.WriteRequest(keys: [session, product], columns: columns), set)
        let two = try Fixture.prepare(
            KassaV1.WriteRequest(keys: [product, session], columns: columns), set)
        #expect(Fixture.bytes(one.key(0)) == Fixture.bytes(two.key(0)))
        #expect(Fixture.bytes(one.key(0)).prefix(6) == [0, 1, 115, 0, 112, 0])
        #expect(throws: FieldError.self) {
            try Fixture.prepare(KassaV1.WriteRequest(keys: [session], columns: columns), set)
        }
        #expect(throws: FieldError.self) {
            try Fixture.prepare(
                KassaV1.WriteRequest(keys: [session, session], columns: columns), set)
        }
        #expect(throws: FieldError.self) {
            try Fixture.prepare(
                KassaV1.WriteRequest(
                    keys: [session, KassaV1.KeyColumn(kind: "product", ids: ["a", "b"])],
                    columns: columns), set)
        }
    }
}
