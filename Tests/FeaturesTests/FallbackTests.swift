// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Testing

/// What takes the place of a value that is not PRESENT.
@Suite struct FallbackTests {
    /// A feature x with a default of 9 and a max age of a minute, in a set with a ttl of an hour.
    static func set(_ onMissing: Fallback?, _ onStale: Fallback?) throws -> FeatureSet {
        let definition = try FeatureSetDefinition(
            name: "cart", entityKinds: ["session"],
            features: [
                FeatureDefinition(
                    name: "x", type: .float32, defaultValue: .float32(9),
                    maxAgeMilliseconds: 60_000, onMissing: onMissing, onStale: onStale),
                FeatureDefinition(name: "y", type: .bool),
            ], ttlMilliseconds: 3_600_000)
        return try Fixture.require(try Fixture.catalog(definition).sets["cart"])
    }

    struct Outcome: Equatable {
        var value: Double?
        var status: ValueStatus?
        var isFailure = false
    }

    /// What a model sees of x, written as `column` that many microseconds ago.
    static func outcome(
        _ set: FeatureSet, _ column: KassaV1.Column?, age: Int64
    ) throws -> Outcome {
        let plan = try VectorPlan([VectorInput(set: set, version: set.newest, feature: "x")])
        let row = try column.map { try Fixture.row(Fixture.request(["s"], [$0]), set) }
        let gathered = RowTests.gather(plan, row, now: Fixture.now + age)
        let value = gathered.values[0]
        return Outcome(
            value: value.isNaN ? nil : value, status: gathered.statuses[0],
            isFailure: gathered.summary.failedInput == 0)
    }

    @Test(arguments: [nil, .useDefault, .missing, .fail] as [Fallback?])
    func `what is missing is followed as the feature says`(fallback: Fallback?) throws {
        let set = try Self.set(fallback, nil)
        let x = KassaV1.Column.floats("x", [1])
        let null = KassaV1.Column.floats("x", [0], nulls: [1])
        let other = KassaV1.Column.flags("y", [true])
        let hour: Int64 = 3_600_000_001
        #expect(try Self.outcome(set, x, age: 5) == Outcome(value: 1, status: .present))
        #expect(try Self.outcome(set, x, age: 60_000_001) == Outcome(value: 1, status: .stale))
        let cases: [(KassaV1.Column?, Int64, ValueStatus)] = [
            (nil, 0, .noEntity), (other, 0, .noFeature), (x, hour, .expired), (null, 0, .null),
        ]
        for (column, age, status) in cases {
            let outcome = try Self.outcome(set, column, age: age)
            switch fallback {
            case nil where status == .null, .missing:
                #expect(outcome == Outcome(value: nil, status: status))
            case nil, .useDefault:
                #expect(outcome == Outcome(value: 9, status: .defaulted))
            case .fail:
                #expect(outcome == Outcome(value: nil, status: status, isFailure: true))
            case .use: Issue.record("not a case")
            }
            // A read says the same, but for a score that is not.
            let row = try column.map { try Fixture.row(Fixture.request(["s"], [$0]), set) }
            let reading = try Fixture.read(row, set, now: Fixture.now + age)[0]
            #expect(reading.status == outcome.status)
        }
    }

    @Test(arguments: [nil, .use, .useDefault, .missing, .fail] as [Fallback?])
    func `what is stale is followed as the feature says`(fallback: Fallback?) throws {
        let set = try Self.set(nil, fallback)
        let x = KassaV1.Column.floats("x", [1])
        let stale = try Self.outcome(set, x, age: 60_000_001)
        switch fallback {
        case nil, .use: #expect(stale == Outcome(value: 1, status: .stale))
        case .useDefault: #expect(stale == Outcome(value: 9, status: .defaulted))
        case .missing: #expect(stale == Outcome(value: nil, status: .stale))
        case .fail: #expect(stale == Outcome(value: 1, status: .stale, isFailure: true))
        }
        #expect(try Self.outcome(set, x, age: 60_000_000) == Outcome(value: 1, status: .present))
        let row = try Fixture.row(Fixture.request(["s"], [x]), set)
        let reading = try Fixture.read(row, set, now: Fixture.now + 60_000_001)[0]
        #expect(reading.status == stale.status)
        #expect(reading.value == .float32(fallback == .useDefault ? 9 : 1))
    }

    @Test func `a damaged row fails where a missing value would`() throws {
        for fallback in [nil, .fail] as [Fallback?] {
            let set = try Self.set(fallback, nil)
            let plan = try VectorPlan([VectorInput(set: set, version: set.newest, feature: "x")])
            var row = try Fixture.row(Fixture.request(["s"], [.floats("x", [1])]), set)
            row[40] ^= 1
            let gathered = RowTests.gather(plan, row)
            #expect(gathered.statuses == [.invalid])
            #expect((gathered.summary.failedInput == 0) == (fallback == .fail))
        }
    }

    @Test func `a context value heals a failure, and a null in the context makes one`() throws {
        let set = try Self.set(.fail, nil)
        let plan = try VectorPlan(
            ["y", "x"].map { VectorInput(set: set, version: set.newest, feature: $0) })
        let gathered = RowTests.gather(plan, nil)
        #expect(gathered.summary.failedInput == 1)
        var values = gathered.values
        var statuses = gathered.statuses.map { $0?.rawValue ?? 0 }
        var ages = gathered.ages
        #expect(
            plan.failure(gathered.summary, statuses.span)
                == "feature cart.x: is NO_ENTITY, and must not be for a score")
        for (value, failed) in [(1, -1), (nil, 1)] as [(Double?, Int)] {
            var valueSpan = values.mutableSpan
            var statusSpan = statuses.mutableSpan
            var ageSpan = ages.mutableSpan
            plan.override(1, with: value, into: &valueSpan, &statusSpan, &ageSpan)
            var summary = gathered.summary
            plan.recount(statuses.span, ages.span, &summary)
            #expect(summary.failedInput == failed)
        }
    }

    @Test func `a stale vector is hidden, replaced or failed with all its components`() throws {
        for fallback in [.use, .useDefault, .missing, .fail] as [Fallback] {
            let definition = try FeatureSetDefinition(
                name: "cart", entityKinds: ["session"],
                features: [
                    FeatureDefinition(
                        name: "v", type: .vector(2), defaultValue: .vector([8, 9]),
                        maxAgeMilliseconds: 1, onStale: fallback)
                ])
            let set = try #require(try Fixture.catalog(definition).sets["cart"])
            let plan = try VectorPlan([VectorInput(set: set, version: set.newest, feature: "v")])
            let row = try Fixture.row(Fixture.request(["s"], [.vectors("v", [[1, 2]])]), set)
            let gathered = RowTests.gather(plan, row, now: Fixture.now + 1_001)
            switch fallback {
            case .use, .fail: #expect(gathered.values == [1, 2])
            case .useDefault: #expect(gathered.values == [8, 9])
            case .missing: #expect(gathered.values.allSatisfy { $0.isNaN })
            }
            let status: ValueStatus = fallback == .useDefault ? .defaulted : .stale
            #expect(gathered.statuses == [status, status])
            #expect(gathered.summary.degradedCount == 2)
            #expect((gathered.summary.failedInput == 0) == (fallback == .fail))
            let isUsed = fallback == .use || fallback == .fail
            #expect(gathered.summary.oldestAge == (isUsed ? 1_001 : -1))
        }
    }

    @Test func `a fallback that cannot be is refused by the name of its field`() {
        func field(
            _ onMissing: KassaV1.Fallback, _ onStale: KassaV1.Fallback, hasDefault: Bool
        ) -> String? {
            SchemaTests.field {
                $0.features[0].onMissing = onMissing
                $0.features[0].onStale = onStale
                if hasDefault { $0.features[0].default = KassaV1.Value(kind: .number(1)) }
            }
        }
        #expect(field(.default, .default, hasDefault: true) == nil)
        #expect(field(.fail, .use, hasDefault: false) == nil)
        #expect(field(.use, .use, hasDefault: true) == "features[0].on_missing")
        #expect(field(.default, .use, hasDefault: false) == "features[0].on_missing")
        #expect(field(.missing, .default, hasDefault: false) == "features[0].on_stale")
        #expect(
            field(KassaV1.Fallback(rawValue: 5), .use, hasDefault: true)
                == "features[0].on_missing")
        #expect(
            field(.missing, KassaV1.Fallback(rawValue: -1), hasDefault: true)
                == "features[0].on_stale")
    }
}
