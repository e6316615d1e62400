// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Testing

@Suite struct VectorTests {
    static let categories = ["de", "ch", "", "a longer text", "ü"]

    static func inputs(_ set: FeatureSet, version: UInt32 = 0) throws -> [VectorInput] {
        let version = try Fixture.require(set.version(version))
        return version.features.filter { $0.type != .strings }.map {
            VectorInput(
                set: set, version: version, feature: $0.name,
                categories: $0.type == .string ? categories : [])
        }
    }

    /// What the model must see of a reading.
    static func floats(_ reading: Reading, now: Int64) -> [Double] {
        if case .vector(let components) = reading.value {
            return components.map { reading.status.hasValue ? Double($0) : .nan }
        }
        if case .strings = reading.value { return [] }
        guard reading.status.hasValue else { return [.nan] }
        return [float(reading.value, now: now)]
    }

    static func float(_ value: DefaultValue, now: Int64) -> Double {
        switch value {
        case .float32(let value): return Double(value)
        case .float64(let value): return value
        case .int64(let value): return Double(value)
        case .bool(let value): return value ? 1 : 0
        case .string(let value): return categories.firstIndex(of: value).map { Double($0) } ?? .nan
        case .timestamp(let value): return Double(now - value) / 1_000_000
        case .vector, .strings: return .nan
        }
    }

    func check(
        _ gathered: RowTests.Gathered, _ readings: [Reading], now: Int64 = Fixture.now,
        _ note: Comment
    ) {
        var oldest: Int64 = -1
        var degraded = 0
        var input = 0
        for reading in readings {
            for value in Self.floats(reading, now: now) {
                #expect(gathered.statuses[input] == reading.status, note)
                #expect(
                    gathered.values[input].bitPattern == value.bitPattern
                        || gathered.values[input].isNaN && value.isNaN, note)
                let age = gathered.ages[input]
                #expect((age < 0 ? -1 : age / 1_000) == reading.ageMilliseconds, note)
                if [.present, .stale].contains(reading.status) { oldest = max(oldest, age) }
                if reading.status != .present { degraded += 1 }
                input += 1
            }
        }
        #expect(input == gathered.values.count, note)
        #expect(gathered.summary.oldestAge == oldest, note)
        #expect(gathered.summary.degradedCount == degraded, note)
    }

    @Test(arguments: 0..<100)
    func `a gathered vector says what a read says`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var catalog = try Fixture.catalog(Fixture.rich())
        let one = try #require(catalog.sets["cart"])
        var definition = try Fixture.rich()
        definition.features.append(
            FeatureDefinition(name: "depth", type: .float64, maxAgeMilliseconds: 1))
        definition.features.remove(at: 2)
        let two = try catalog.apply(definition).set
        let plans = [1, 2].map { version in
            try! VectorPlan(Self.inputs(two, version: version))
        }
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        for set in [one, two] {
            let features = set.newest.features
            let writes = MergeTests.randomWrites(4, features, &generator)
            let write = try Fixture.prepare(MergeTests.request(writes, features), set)
            _ = Fixture.apply(write, to: &rows, of: set, &scratch)
            for row in rows.values {
                for later: Int64 in [0, 3, 1_003, 60_000_001, 3_600_000_002, 9_000_000_000] {
                    for (index, plan) in plans.enumerated() {
                        let readings = try Fixture.read(
                            row, two, version: UInt32(index + 1), now: Fixture.now + later)
                        let gathered = RowTests.gather(plan, row, now: Fixture.now + later)
                        check(gathered, readings, now: Fixture.now + later, "seed \(seed)")
                    }
                }
            }
        }
        for (index, plan) in plans.enumerated() {
            let readings = try Fixture.read(nil, two, version: UInt32(index + 1))
            check(RowTests.gather(plan, nil), readings, "seed \(seed)")
        }
    }

    @Test func `a whole row of one event time is gathered like any other`() throws {
        let set = try #require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
        let plan = try VectorPlan(Self.inputs(set))
        let row = try Fixture.row(
            Fixture.request(
                ["s"],
                [
                    .texts("browser", ["ü"]), .floats("amount", [1.5]), .doubles("total", [-2]),
                    .integers("items", [9]), .flags("member", [true]), .texts("country", ["de"]),
                ]), set)
        for later: Int64 in [-1, 0, 60_000_000, 60_000_001, 3_600_000_000, 3_600_000_001] {
            let readings = try Fixture.read(row, set, now: Fixture.now + later)
            let gathered = RowTests.gather(plan, row, now: Fixture.now + later)
            check(gathered, readings, now: Fixture.now + later, "after \(later)")
        }
        #expect(RowTests.gather(plan, row).values == [1.5, -2, 9, 1, 0, 4])
    }

    @Test func `an unknown category is present and missing to the model`() throws {
        let set = try #require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
        let plan = try VectorPlan(Self.inputs(set))
        let text = String(repeating: "x", count: 1_000)
        let row = try Fixture.row(
            Fixture.request(["s"], [.texts("country", ["dee"]), .texts("browser", [text])]), set)
        let gathered = RowTests.gather(plan, row)
        #expect(gathered.values[4].isNaN)
        #expect(gathered.values[5].isNaN)
        #expect(gathered.statuses[4] == .present)
    }

    @Test func `a float64 that no float32 holds is invalid on both ways`() throws {
        let definition = try FeatureSetDefinition(
            name: "big", entityKinds: ["session"],
            features: [
                FeatureDefinition(name: "total", type: .float64),
                FeatureDefinition(name: "other", type: .bool),
            ])
        let set = try #require(try Fixture.catalog(definition).sets["big"])
        let plan = try VectorPlan(Self.inputs(set))
        let partial = Fixture.request(["s"], [.doubles("total", [1e300])])
        let whole = Fixture.request(
            ["s"], [.doubles("total", [1e300]), .flags("other", [true])])
        for request in [partial, whole] {
            let gathered = RowTests.gather(plan, try Fixture.row(request, set))
            #expect(gathered.statuses[0] == .invalid)
            #expect(gathered.values[0].isNaN)
        }
    }

    @Test func `inputs are grouped so that each row is asked for once`() throws {
        let catalog = try Fixture.catalog(Fixture.mixed(), Fixture.floats(3))
        let cart = try #require(catalog.sets["cart"])
        let floats = try #require(catalog.sets["floats"])
        func input(_ set: FeatureSet, _ name: String) -> VectorInput {
            VectorInput(set: set, version: set.newest, feature: name)
        }
        let plan = try VectorPlan([
            input(cart, "total"), input(floats, "f2"), input(cart, "amount"), input(floats, "f0"),
        ])
        #expect(plan.groups.map(\.setName) == ["cart", "floats"])
        #expect(plan.groups.map(\.inputs) == [[0, 2], [1, 3]])
        #expect(plan.groups.map(\.setID) == [cart.id, floats.id])
        #expect(plan.groups[0].entityKinds == ["session"])
        #expect(plan.names == ["total", "f2", "amount", "f0"])

        let row = try Fixture.row(
            Fixture.request(["s"], (0..<3).map { .floats("f\($0)", [Float($0 + 1)]) }), floats)
        var values = [Double](repeating: -1, count: 4)
        var statuses = [UInt8](repeating: 0, count: 4)
        var ages = [Int64](repeating: 0, count: 4)
        var summary = GatherSummary()
        var valueSpan = values.mutableSpan
        var statusSpan = statuses.mutableSpan
        var ageSpan = ages.mutableSpan
        plan.gather(
            row.span, group: 1, now: Fixture.now + 5, into: &valueSpan, &statusSpan, &ageSpan,
            &summary)
        // The other group's inputs are left alone.
        #expect(values == [-1, 3, -1, 1])
        #expect(statuses == [0, 1, 0, 1])
        #expect(ages == [0, 5, 0, 5])
        #expect(summary.oldestAge == 5)
        #expect(summary.degradedCount == 0)
    }

    @Test func `inputs that cannot be are refused by the name of their field`() throws {
        let set = try #require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
        func field(_ feature: String, _ categories: [String] = [], twice: Bool = false) -> String? {
            let input = VectorInput(
                set: set, version: set.newest, feature: feature, categories: categories)
            do throws(FieldError) {
                _ = try VectorPlan(twice ? [input, input] : [input])
                return nil
            } catch { return error.field }
        }
        #expect(field("amount") == nil)
        #expect(field("nothing") == "inputs[0].feature")
        #expect(field("amount", twice: true) == "inputs[1].feature")
        #expect(field("amount", ["a"]) == "inputs[0].categories")
        #expect(field("country") == "inputs[0].categories")
        #expect(field("country", ["a", "b", "a"]) == "inputs[0].categories")
        #expect(field("country", [String(repeating: "x", count: 1_025)]) == "inputs[0].categories")
        let most = (0..<FeatureLimits.categoriesMax).map { "c\($0)" }
        #expect(field("country", most) == nil)
        #expect(field("country", most + ["more"]) == "inputs[0].categories")
        #expect(throws: FieldError.self) { try VectorPlan([]) }
    }

    @Test func `a context value finds its input and fits its type or is refused`() throws {
        let catalog = try Fixture.catalog(
            Fixture.mixed(),
            FeatureSetDefinition(
                name: "user", entityKinds: ["customer"],
                features: [
                    FeatureDefinition(name: "total", type: .int64),
                    FeatureDefinition(name: "age", type: .float32),
                ]))
        let cart = try #require(catalog.sets["cart"])
        let user = try #require(catalog.sets["user"])
        let plan = try VectorPlan(Self.inputs(cart) + Self.inputs(user))
        func input(_ name: String) -> Int? { plan.input(named: name.utf8Span.span) }
        #expect(input("amount") == 0)
        #expect(input("cart.amount") == 0)
        #expect(input("total") == nil)
        #expect(input("cart.total") == 1)
        #expect(input("user.total") == 6)
        #expect(input("user.amount") == nil)
        #expect(input("") == nil)
        #expect(plan.value(ofInput: 0, number: 0.5) == 0.5)
        #expect(plan.value(ofInput: 0, number: .nan) == nil)
        #expect(plan.value(ofInput: 0, number: 1e300) == nil)
        #expect(plan.value(ofInput: 0, integer: 3, now: Fixture.now) == 3)
        #expect(plan.value(ofInput: 2, number: 3) == 3)
        #expect(plan.value(ofInput: 2, number: 3.5) == nil)
        #expect(plan.value(ofInput: 2, number: 1e30) == nil)
        #expect(plan.value(ofInput: 3, flag: true) == 1)
        #expect(plan.value(ofInput: 3, number: 1) == nil)
        #expect(plan.value(ofInput: 0, flag: true) == nil)
        #expect(plan.value(ofInput: 4, text: "ch".utf8Span.span) == 1)
        #expect(plan.value(ofInput: 4, text: "zz".utf8Span.span)?.isNaN == true)
        #expect(plan.value(ofInput: 0, text: "ch".utf8Span.span) == nil)
    }

    @Test func `a row in a layout newer than the plan is told from a damaged one`() throws {
        var catalog = try Fixture.catalog(Fixture.mixed())
        let old = try #require(catalog.sets["cart"])
        let plan = try VectorPlan(Self.inputs(old))
        var definition = try Fixture.mixed()
        definition.features.append(FeatureDefinition(name: "depth", type: .float64))
        let set = try catalog.apply(definition).set
        let row = try Fixture.row(Fixture.request(["s"], [.floats("amount", [1])]), set)
        let gathered = RowTests.gather(plan, row)
        #expect(gathered.summary.unknownLayoutRowCount == 1)
        #expect(gathered.summary.damagedRowCount == 0)
        #expect(gathered.statuses.allSatisfy { $0 == .invalid })
        var rows = ReadRows()
        _ = try Fixture.values(
            [row], try ReadPlan(set: old, version: old.newest), now: Fixture.now, with: &rows)
        let counts = (rows.unknownLayoutRowCount, rows.damagedRowCount)
        #expect(counts == (1, 0))
        let renewed = try VectorPlan(Self.inputs(set, version: 1))
        #expect(RowTests.gather(renewed, row).statuses[0] == .present)
    }

    @Test func `an override takes the place of what was gathered and is counted so`() throws {
        let set = try #require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
        let plan = try VectorPlan(Self.inputs(set))
        let gathered = RowTests.gather(plan, nil)
        #expect(gathered.summary.degradedCount == 6)
        var vector = gathered.values
        var values = vector.mutableSpan
        var agesAfter = gathered.ages
        var statuses = gathered.statuses.map { $0?.rawValue ?? 0 }
        var statusSpan = statuses.mutableSpan
        var ages = agesAfter.mutableSpan
        plan.override(0, with: 8, into: &values, &statusSpan, &ages)
        plan.override(1, with: nil, into: &values, &statusSpan, &ages)
        var summary = GatherSummary()
        plan.recount(statuses.span, agesAfter.span, &summary)
        #expect(summary.degradedCount == 5)
        #expect(summary.oldestAge == 0)
        #expect(vector[0] == 8)
        #expect(vector[1].isNaN)
        #expect(statuses[0] == ValueStatus.present.rawValue)
        #expect(statuses[1] == ValueStatus.null.rawValue)
    }

    @Test func `a float of the vector is described as the value it stands for`() throws {
        let set = try #require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
        let plan = try VectorPlan(Self.inputs(set))
        #expect(plan.describe(1.5, ofInput: 0).kind == .number(1.5))
        #expect(plan.describe(7, ofInput: 2).kind == .integer(7))
        #expect(plan.describe(Double(Int64.max), ofInput: 2).kind == .integer(.max))
        #expect(plan.describe(1, ofInput: 3).kind == .flag(true))
        #expect(plan.describe(1, ofInput: 4).kind == .text("ch"))
        #expect(plan.describe(99, ofInput: 4).kind == .number(99))
        #expect(plan.describe(.nan, ofInput: 4).kind == .null(KassaV1.NullValue()))
    }

    @Test func `the oldest age in milliseconds saturates`() {
        var summary = GatherSummary()
        #expect(summary.oldestAgeMilliseconds == 0)
        summary.oldestAge = 1_999
        #expect(summary.oldestAgeMilliseconds == 1)
        summary.oldestAge = .max
        #expect(summary.oldestAgeMilliseconds == .max)
    }
}
