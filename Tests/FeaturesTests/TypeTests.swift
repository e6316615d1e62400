// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Testing

/// Timestamps, vectors, lists of strings, categories and what NaN comes to.
@Suite struct TypeTests {
    static func set(_ features: FeatureDefinition...) throws -> FeatureSet {
        let definition = try FeatureSetDefinition(
            name: "cart", entityKinds: ["session"], features: features)
        return try Fixture.require(try Fixture.catalog(definition).sets["cart"])
    }

    static func refusals(_ column: KassaV1.Column, _ ids: [String], _ set: FeatureSet) throws
        -> [String]
    {
        try Fixture.prepare(Fixture.request(ids, [column]), set).refusals.map {
            "\($0.row) \($0.field) \($0.reason)"
        }
    }

    static func field(_ column: KassaV1.Column, _ ids: [String], _ set: FeatureSet) throws
        -> String?
    {
        do {
            _ = try Fixture.prepare(Fixture.request(ids, [column]), set)
            return nil
        } catch let error as FieldError { return error.field }
    }

    @Test func `a vector has as many components as its feature says`() throws {
        let set = try Self.set(FeatureDefinition(name: "v", type: .vector(2)))
        let ids = ["a", "b"]
        #expect(try Self.field(.vectors("v", [[1, 2], [3, 4]]), ids, set) == nil)
        #expect(try Self.field(.vectors("v", [[1, 2]]), ids, set) == "columns[0].values")
        #expect(
            try Self.field(.vectors("v", [[1, 2, 3], [1, 2, 3]]), ids, set)
                == "columns[0].values.dimension")
        #expect(try Self.field(.floats("v", [1, 2]), ids, set) == "columns[0].values")
        #expect(
            try Self.refusals(.vectors("v", [[1, .nan], [.infinity, 4]]), ids, set)
                == [
                    "0 v has a component that is no finite number",
                    "1 v has a component that is no finite number",
                ])
    }

    @Test func `the longest vector is stored and read to the bit, and one longer is refused`()
        throws
    {
        func field(_ dimensions: [UInt32]) -> String? {
            SchemaTests.field {
                $0.features = dimensions.enumerated().map {
                    KassaV1.FeatureSpec(name: "v\($0.offset)", type: .vector, dimension: $0.element)
                }
            }
        }
        #expect(field([512]) == nil)
        #expect(field([513]) == "features[0].dimension")
        #expect(field([0]) == "features[0].dimension")
        #expect(field([65_537]) == "features[0].dimension")
        #expect(field([UInt32](repeating: 512, count: 16)) == nil)
        #expect(field([UInt32](repeating: 512, count: 16) + [1]) == "features")
        #expect(
            SchemaTests.field { $0.features[0].dimension = 1 } == "features[0].dimension")

        let set = try Self.set(FeatureDefinition(name: "v", type: .vector(512)))
        let components = (0..<512).map { Float($0) * -0.1 }
        let row = try Fixture.row(Fixture.request(["s"], [.vectors("v", [components])]), set)
        #expect(row.count == 32 + 8 + 4 + 2_048 + 4)
        #expect(try Fixture.read(row, set)[0].value == .vector(components))
        let plan = try VectorPlan([VectorInput(set: set, version: set.newest, feature: "v")])
        #expect(plan.count == 512)
        #expect(RowTests.gather(plan, row).values == components.map { Double($0) })
        #expect(plan.names[511] == "v[511]")
    }

    @Test func `an absent vector takes no more than its slot`() throws {
        let set = try Self.set(
            FeatureDefinition(name: "v", type: .vector(512)),
            FeatureDefinition(name: "x", type: .float32))
        let row = try Fixture.row(Fixture.request(["s"], [.floats("x", [1])]), set)
        #expect(row.count == 32 + 8 + 8)
    }

    @Test func `a list has up to 128 strings and 4,096 bytes`() throws {
        let set = try Self.set(FeatureDefinition(name: "tags", type: .strings))
        let ids = ["a", "b", "c", "d"]
        let long = String(repeating: "x", count: 4_094)
        let many = [String](repeating: "", count: 128)
        #expect(
            try Self.refusals(.lists("tags", [many, many + [""], [long], [long + "x"]]), ids, set)
                == [
                    "1 tags has more than 128 strings", "3 tags is longer than 4096 bytes",
                ])
        let row = try Fixture.row(Fixture.request(["s"], [.lists("tags", [many])]), set)
        #expect(try Fixture.read(row, set)[0].value == .strings(many))
    }

    @Test func `a timestamp lies in the years 1 to 9999`() throws {
        let set = try Self.set(FeatureDefinition(name: "born", type: .timestamp))
        let first = FeatureLimits.timestamps.lowerBound
        let last = FeatureLimits.timestamps.upperBound
        #expect(
            try Self.refusals(
                .integers("born", [first, first - 1, last, last + 1]), ["a", "b", "c", "d"], set)
                == ["1 born is not in years 1 to 9999", "3 born is not in years 1 to 9999"])
        #expect(
            SchemaTests.field {
                $0.features[1].type = .timestamp
                $0.features[1].default = KassaV1.Value(kind: .integer(last + 1))
            } == "features[1].default")
    }

    @Test func `a model sees the seconds since a timestamp, and no list of strings`() throws {
        let set = try Self.set(
            FeatureDefinition(name: "seen", type: .timestamp),
            FeatureDefinition(name: "tags", type: .strings))
        func input(_ name: String) -> VectorInput {
            VectorInput(set: set, version: set.newest, feature: name)
        }
        let plan = try VectorPlan([input("seen")])
        let hour: Int64 = 3_600_000_000
        for (time, seconds) in [(Fixture.now - hour, 3_600), (Fixture.now + hour, -3_600)] {
            let row = try Fixture.row(Fixture.request(["s"], [.integers("seen", [time])]), set)
            #expect(RowTests.gather(plan, row).values == [Double(seconds)])
            #expect(
                RowTests.gather(plan, row, now: Fixture.now + 500_000).values
                    == [Double(seconds) + 0.5])
            #expect(plan.value(ofInput: 0, integer: time, now: Fixture.now) == Double(seconds))
        }
        #expect(plan.value(ofInput: 0, integer: .max, now: Fixture.now) == nil)
        #expect(plan.value(ofInput: 0, number: 1) == nil)
        #expect(
            throws: FieldError(
                field: "inputs[0].feature", reason: "is a list of strings, which no model takes")
        ) { try VectorPlan([input("tags")]) }
    }

    @Test func `a feature with categories takes no other string`() throws {
        let set = try Self.set(
            FeatureDefinition(
                name: "segment", type: .string, defaultValue: .string("new"),
                categories: ["new", "loyal", "ü"]))
        #expect(
            try Self.refusals(
                .texts("segment", ["ü", "Loyal", "", "new"]), ["a", "b", "c", "d"], set)
                == [
                    "1 segment is not one of the categories",
                    "2 segment is not one of the categories",
                ])
        // They are a model's codes unless it has its own.
        let plan = try VectorPlan([VectorInput(set: set, version: set.newest, feature: "segment")])
        let row = try Fixture.row(Fixture.request(["s"], [.texts("segment", ["ü"])]), set)
        #expect(RowTests.gather(plan, row).values == [2])
        #expect(RowTests.gather(plan, nil).values == [0])
        func field(_ categories: [String], type: KassaV1.FeatureType = .string) -> String? {
            SchemaTests.field {
                $0.features[0].type = type
                $0.features[0].categories = categories
            }
        }
        #expect(field(["a", "b"]) == nil)
        #expect(field(["a", "a"]) == "features[0].categories")
        #expect(field(["a"], type: .int64) == "features[0].categories")
        #expect(field([String(repeating: "x", count: 1_025)]) == "features[0].categories")
        let most = (0..<FeatureLimits.declaredCategoriesMax).map { "c\($0)" }
        #expect(field(most) == nil)
        #expect(field(most + ["more"]) == "features[0].categories")
        #expect(
            SchemaTests.field {
                $0.features[0].type = .string
                $0.features[0].categories = ["a"]
                $0.features[0].default = KassaV1.Value(kind: .text("b"))
            } == "features[0].default")
    }

    @Test func `a NaN refuses its row unless the feature takes it as a null`() throws {
        let set = try Self.set(
            FeatureDefinition(name: "x", type: .float32, takesNonFiniteAsNull: true),
            FeatureDefinition(name: "y", type: .float64, takesNonFiniteAsNull: true),
            FeatureDefinition(name: "v", type: .vector(2), takesNonFiniteAsNull: true),
            FeatureDefinition(name: "z", type: .float32))
        let ids = ["a", "b", "c"]
        let write = try Fixture.prepare(
            Fixture.request(
                ids,
                [
                    .doubles("x", [.nan, 1e39, 1]), .doubles("y", [-.infinity, 1, .nan]),
                    .vectors("v", [[1, .nan], [1, 2], [3, 4]]), .floats("z", [1, 1, .nan]),
                ]), set)
        // A finite number that is too large is a mistake, not a missing value.
        #expect(
            write.refusals.map { "\($0.row) \($0.field) \($0.reason)" } == [
                "1 x is not a finite float32", "2 z is not a finite number",
            ])
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        #expect(Fixture.apply(write, to: &rows, of: set, &scratch) == [.changed])
        #expect(
            try Fixture.read(rows.values.first, set).map(\.status) == [
                .null, .null, .null, .present,
            ])
        #expect(SchemaTests.field { $0.features[1].nan = .missing } == "features[1].nan")
        #expect(
            SchemaTests.field { $0.features[0].nan = KassaV1.NonFinite(rawValue: 7) }
                == "features[0].nan")
    }

    @Test func `a context value may be a vector or null for all its inputs`() throws {
        let set = try Self.set(
            FeatureDefinition(name: "v", type: .vector(2)),
            FeatureDefinition(name: "x", type: .float32))
        let plan = try VectorPlan(
            ["v", "x"].map {
                VectorInput(set: set, version: set.newest, feature: $0)
            })
        #expect(plan.input(named: "v".utf8Span.span) == 0)
        #expect(plan.input(named: "x".utf8Span.span) == 2)
        #expect(plan.input(named: "v[1]".utf8Span.span) == nil)
        #expect(plan.takes(vector: [1, 2], atInput: 0))
        #expect(!plan.takes(vector: [1], atInput: 0))
        #expect(!plan.takes(vector: [1, .nan], atInput: 0))
        #expect(!plan.takes(vector: [1, 2], atInput: 2))
        #expect(plan.value(ofInput: 0, number: 1) == nil)
        var values: [Double] = [1, 2, 3]
        var statuses: [UInt8] = [1, 1, 1]
        var ages: [Int64] = [9, 9, 9]
        var valueSpan = values.mutableSpan
        var statusSpan = statuses.mutableSpan
        var ageSpan = ages.mutableSpan
        plan.override(0, with: nil, into: &valueSpan, &statusSpan, &ageSpan)
        #expect(values[0].isNaN && values[1].isNaN && values[2] == 3)
        #expect(statuses == [2, 2, 1])
        #expect(ages == [0, 0, 9])
    }

    @Test func `no more than 4,096 floats go into a model`() throws {
        let set = try Self.set(
            FeatureDefinition(name: "a", type: .vector(512)),
            FeatureDefinition(name: "b", type: .vector(512)),
            FeatureDefinition(name: "c", type: .vector(512)),
            FeatureDefinition(name: "d", type: .vector(512)),
            FeatureDefinition(name: "e", type: .vector(512)),
            FeatureDefinition(name: "f", type: .vector(512)),
            FeatureDefinition(name: "g", type: .vector(512)),
            FeatureDefinition(name: "h", type: .vector(512)),
            FeatureDefinition(name: "i", type: .bool))
        let inputs = set.newest.features.map {
            VectorInput(set: set, version: set.newest, feature: $0.name)
        }
        #expect(try VectorPlan(Array(inputs.dropLast())).count == 4_096)
        #expect(throws: FieldError.self) { try VectorPlan(inputs) }
    }
}
