// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Testing

@Suite struct VersionTests {
    static func apply(
        _ catalog: inout FeatureCatalog, _ change: (inout FeatureSetDefinition) -> Void
    ) throws -> FeatureSetChange {
        var definition = try Fixture.mixed()
        change(&definition)
        return try catalog.apply(definition)
    }

    static let extra = FeatureDefinition(name: "depth", type: .float64)

    @Test func `the same document again changes nothing`() throws {
        var catalog = FeatureCatalog()
        let first = try Self.apply(&catalog) { _ in }
        #expect(first.action == .add)
        #expect(first.version == 1)
        #expect(first.details.first == "feature amount added (float32)")
        let again = try Self.apply(&catalog) { _ in }
        #expect(again.action == .unchanged)
        #expect(again.version == 1)
        #expect(again.details.isEmpty)
    }

    @Test func `words change without a new version`() throws {
        var catalog = FeatureCatalog()
        _ = try Self.apply(&catalog) { _ in }
        let change = try Self.apply(&catalog) {
            $0.owner = "checkout"
            $0.labels = ["tier": "1"]
            $0.features[0].description = "of the cart"
        }
        #expect(change.action == .change)
        #expect(change.version == 1)
        #expect(
            change.details == [
                "description of amount changed", "owner changed from \"\" to \"checkout\"",
                "labels changed",
            ])
        #expect(change.set.owner == "checkout")
        #expect(change.set.versions.count == 1)
        #expect(change.set.newest.features[0].description == "of the cart")
    }

    @Test func `what a model sees makes the next version, and the plan says what`() throws {
        func details(_ change: (inout FeatureSetDefinition) -> Void) throws -> [String] {
            var catalog = FeatureCatalog()
            _ = try Self.apply(&catalog) { _ in }
            let result = try Self.apply(&catalog, change)
            #expect(result.action == .add)
            #expect(result.version == 2)
            #expect(result.set.versions.count == 2)
            return result.details
        }
        #expect(
            try details { $0.features.append(Self.extra) } == ["feature depth added (float64)"])
        #expect(try details { $0.features.removeLast() } == ["feature browser removed"])
        #expect(
            try details { $0.features[2].defaultValue = .int64(8) }
                == ["default of items changed from 7 to 8"])
        #expect(
            try details { $0.features[1].defaultValue = .float64(1) }
                == ["default of total changed from none to 1.0"])
        #expect(
            try details { $0.features[0].maxAgeMilliseconds = 5 }
                == ["max_age_ms of amount changed from 60000 to 5"])
        #expect(
            try details { $0.ttlMilliseconds = 1 } == ["ttl_ms changed from 3600000 to 1"])
        #expect(
            try details { $0.features.swapAt(0, 1) } == ["order of features changed"])
        #expect(
            try details { $0.features[3].type = .int64 }
                == ["type of member changed from bool to int64"])
        #expect(
            try details { $0.entityKinds = ["session", "product"] }
                == ["entity changed from session to session, product"])
    }

    @Test func `an explicit version exists as it is, or is the next one`() throws {
        var catalog = FeatureCatalog()
        #expect(throws: FeatureSetError.self) { try Self.apply(&catalog) { $0.version = 2 } }
        #expect(catalog.sets.isEmpty)
        #expect(try Self.apply(&catalog) { $0.version = 1 }.action == .add)
        #expect(try Self.apply(&catalog) { $0.version = 1 }.action == .unchanged)
        #expect(throws: FeatureSetError.self) { try Self.apply(&catalog) { $0.version = 3 } }
        do {
            _ = try Self.apply(&catalog) {
                $0.version = 1
                $0.ttlMilliseconds = 1
            }
            Issue.record("a version changed")
        } catch let error as FeatureSetError {
            #expect(
                error
                    == .conflict(
                        field: "version",
                        reason:
                            "cart@1 exists and never changes, but ttl_ms changed from 3600000 to 1"
                    ))
        }
        let next = try Self.apply(&catalog) {
            $0.version = 2
            $0.features.append(Self.extra)
        }
        #expect(next.version == 2)
        // A file that still holds version 1 beside version 2 settles, whoever owns them.
        let old = try Self.apply(&catalog) {
            $0.version = 1
            $0.owner = "somebody"
        }
        #expect(old.action == .unchanged)
    }

    @Test func `versions share columns of the same name and type and layouts grow`() throws {
        var catalog = FeatureCatalog()
        _ = try Self.apply(&catalog) { _ in }
        let second = try Self.apply(&catalog) { $0.features.append(Self.extra) }.set
        #expect(second.columns.count == 7)
        #expect(second.layouts.map(\.columnCount) == [6, 7])
        #expect(second.versions[1].columnIDs == [0, 1, 2, 3, 4, 5, 6])
        let third = try Self.apply(&catalog) { $0.features[3].type = .int64 }.set
        #expect(third.versions[2].columnIDs == [0, 1, 2, 7, 4, 5])
        #expect(third.layouts.map(\.columnCount) == [6, 7, 8])
        let fourth = try Self.apply(&catalog) { $0.features.swapAt(0, 3) }.set
        #expect(fourth.versions[3].columnIDs == [3, 1, 2, 0, 4, 5])
        #expect(fourth.layouts.count == 3)
    }

    @Test func `rows of one version are read by the other, and nothing is lost`() throws {
        var catalog = FeatureCatalog()
        let one = try Self.apply(&catalog) { _ in }.set
        let two = try Self.apply(&catalog) {
            $0.features.removeFirst()
            $0.features.append(Self.extra)
        }.set
        let key = { (rows: [[UInt8]: [UInt8]]) throws -> [UInt8] in
            try Fixture.require(rows.values.first)
        }
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        let old = try Fixture.prepare(
            Fixture.request(["s"], [.floats("amount", [4]), .texts("browser", ["w3m"])]), one)
        // The writer has not seen version 2 yet.
        _ = Fixture.apply(old, to: &rows, of: one, &scratch)
        var readings = try Fixture.read(key(rows), two, version: 2)
        #expect(
            readings.map(\.status) == [
                .noFeature, .defaulted, .noFeature, .defaulted, .present, .noFeature,
            ])
        #expect(readings[4].value == .string("w3m"))

        let new = try Fixture.prepare(
            Fixture.request(["s"], [.doubles("depth", [0.5]), .doubles("total", [2])]), two)
        #expect(Fixture.apply(new, to: &rows, of: two, &scratch) == [.changed])
        readings = try Fixture.read(key(rows), two, version: 1)
        #expect(
            readings.map(\.status) == [
                .present, .present, .defaulted, .noFeature, .defaulted, .present,
            ])
        #expect(readings[0].value == .float32(4))
        #expect(readings[1].value == .float64(2))
        readings = try Fixture.read(key(rows), two, version: 2)
        #expect(readings[5] == Reading(status: .present, value: .float64(0.5), ageMilliseconds: 0))

        // Version 1 still writes, into the newest layout; a late writer with the old set does too.
        let late = try Fixture.prepare(
            Fixture.request(["s"], [.floats("amount", [5])], times: [Fixture.now + 1]), one)
        #expect(Fixture.apply(late, to: &rows, of: two, &scratch) == [.changed])
        #expect(try Fixture.read(key(rows), two, version: 1)[0].value == .float32(5))
        #expect(try Fixture.read(key(rows), two, version: 2)[5].value == .float64(0.5))
    }

    @Test func `a write prepared under a newer epoch than the writer's is applied`() throws {
        var catalog = FeatureCatalog()
        let one = try Self.apply(&catalog) { _ in }.set
        let two = try Self.apply(&catalog) { $0.features.append(Self.extra) }.set
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        let write = try Fixture.prepare(Fixture.request(["s"], [.doubles("depth", [1])]), two)
        #expect(Fixture.apply(write, to: &rows, of: one, &scratch) == [.changed])
        #expect(try Fixture.read(rows.values.first, two)[6].value == .float64(1))
    }

    @Test func `the columns of all versions together are bounded`() throws {
        var catalog = FeatureCatalog()
        func definition(_ prefix: String, _ count: Int) throws -> FeatureSetDefinition {
            try FeatureSetDefinition(
                name: "wide", entityKinds: ["session"],
                features: (0..<count).map { FeatureDefinition(name: "\(prefix)\($0)", type: .bool) }
            )
        }
        _ = try catalog.apply(definition("a", 1_000))
        #expect(throws: FeatureSetError.self) {
            var copy = catalog
            _ = try copy.apply(definition("b", 1_000))
            _ = try copy.apply(definition("c", 1))
        }
        #expect(try catalog.apply(definition("b", 1_000)).set.columns.count == 2_000)
    }

    @Test func `a set survives its state, and so does a catalog`() throws {
        var catalog = FeatureCatalog()
        _ = try Self.apply(&catalog) {
            $0.labels = ["b": "2", "a": "1"]
            $0.owner = "ö"
        }
        _ = try Self.apply(&catalog) { $0.features.append(Self.extra) }
        _ = try Self.apply(&catalog) { $0.entityKinds = ["session", "product"] }
        _ = try catalog.apply(Fixture.floats(3))
        let states = catalog.sets.mapValues { $0.encodedState() }
        let stored = try states.values.map { try FeatureSet(state: $0.span) }
        var restored = try FeatureCatalog(stored)
        #expect(restored.sets.mapValues { $0.encodedState() } == states)
        let cart = try #require(restored.sets["cart"])
        let before = try #require(catalog.sets["cart"])
        #expect(cart.versions == before.versions)
        #expect(cart.columns == before.columns)
        #expect(cart.layouts.map(\.columnCount) == before.layouts.map(\.columnCount))
        #expect(cart.labels == before.labels)
        // Numbers go on where they were.
        let next = try restored.apply(Fixture.floats(1, name: "more")).set
        #expect(next.id == 3)
        #expect(next.newest.kindsID == 1)
        #expect(before.newest.kindsID == 2)
        #expect(throws: FeatureSetStateError.self) { try FeatureCatalog(stored + [stored[0]]) }
    }

    @Test func `a damaged state is refused, and a newer one named`() throws {
        var catalog = try Fixture.catalog(Fixture.rich())
        _ = try Self.apply(&catalog) { $0.deprecation = "old" }
        _ = try Self.apply(&catalog) { $0.features[4].categories = ["ch", "de"] }
        _ = try catalog.drop(try #require(FeatureSetReference("cart@1")), readers: [])
        let set = try #require(catalog.sets["cart"])
        let state = set.encodedState()
        for bit in 0..<state.count * 8 {
            var flipped = state
            flipped[bit >> 3] ^= 1 << (bit & 7)
            #expect(throws: FeatureSetStateError.damaged) { try FeatureSet(state: flipped.span) }
        }
        for count in 0..<state.count {
            #expect(throws: FeatureSetStateError.damaged) {
                try FeatureSet(state: state.span.extracting(first: count))
            }
        }
        func sealed(_ body: [UInt8]) -> [UInt8] {
            let checksum = CRC32C.checksum(body.span)
            return body + (0..<4).map { UInt8(truncatingIfNeeded: checksum >> ($0 * 8)) }
        }
        var newer = Array(state.dropLast(4))
        newer[0] = 3
        #expect(throws: FeatureSetStateError.unknownFormat(3)) {
            try FeatureSet(state: sealed(newer).span)
        }
        // With a right checksum, any content is a set within the limits or refused; nothing traps.
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<3_000 {
            var forged = Array(state.dropLast(4))
            forged[Int.random(in: 1..<forged.count, using: &generator)] =
                UInt8.random(in: .min ... .max, using: &generator)
            _ = try? FeatureSet(state: sealed(forged).span)
        }
    }

    @Test func `a state of the first format is read as it was meant`() throws {
        let hexadecimal = """
            010400000063617274070000000600000067726f777468000000000000000001000000020000
            0002000000050000006974656d730307000000636f756e747279050100000001000000070000
            0073657373696f6e0100881300000000000002000000050000006974656d73000060ea000000
            000000050000006c696e657301070000000000000007000000636f756e747279010000000000
            000000000000000000464a8039
            """
        let digits = hexadecimal.utf8.compactMap { UInt8(ascii: "\n") == $0 ? nil : $0 }
        let state = stride(from: 0, to: digits.count, by: 2).map { index in
            UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16)!
        }
        let set = try FeatureSet(state: state.span)
        #expect(set.name == "cart")
        #expect(set.id == 7)
        #expect(set.owner == "growth")
        #expect(set.historyMilliseconds == 0)
        #expect(set.newestLayout.types == [.int64, .string])
        #expect(set.newestLayout.deadColumns.isEmpty)
        #expect(
            set.newest.features == [
                FeatureDefinition(
                    name: "items", type: .int64, defaultValue: .int64(7),
                    maxAgeMilliseconds: 60_000, description: "lines"),
                FeatureDefinition(name: "country", type: .string),
            ])
        #expect(set.newest.ttlMilliseconds == 5_000)
        #expect(set.newest.deprecation.isEmpty)
        // It is written in the present format, and says the same.
        #expect(try FeatureSet(state: set.encodedState().span).versions == set.versions)
    }

    @Test func `the document of a version makes it again`() throws {
        var catalog = FeatureCatalog()
        _ = try Self.apply(&catalog) { _ in }
        let set = try Self.apply(&catalog) { $0.features.append(Self.extra) }.set
        for number in [1, 2] as [UInt32] {
            let spec = try #require(set.spec(version: number))
            #expect(spec.version == number)
            let change = try catalog.apply(FeatureSetDefinition(spec))
            #expect(change.action == .unchanged)
        }
        #expect(set.spec(version: 3) == nil)
    }

    @Test func `the state of all versions together is bounded`() throws {
        var catalog = FeatureCatalog()
        let prose = String(repeating: "d", count: FeatureLimits.proseByteCountMax)
        func definition(_ ttl: UInt64) throws -> FeatureSetDefinition {
            try FeatureSetDefinition(
                name: "wordy", entityKinds: ["session"],
                features: (0..<1_000).map {
                    FeatureDefinition(name: "f\($0)", type: .bool, description: prose)
                },
                ttlMilliseconds: ttl)
        }
        // A version is a little more than 4 MB; two are less than 8 MiB, three are not.
        _ = try catalog.apply(definition(1))
        #expect(try catalog.apply(definition(2)).set.encodedState().count > 8_000_000)
        #expect(throws: FeatureSetError.self) { try catalog.apply(definition(3)) }
        #expect(catalog.sets["wordy"]?.versions.count == 2)
    }

    @Test func `a change is an entry of a plan`() throws {
        var catalog = FeatureCatalog()
        _ = try Self.apply(&catalog) { _ in }
        let same = try Self.apply(&catalog) { _ in }.planEntry
        #expect(same == KassaV1.PlanEntry(action: .unchanged, kind: "feature_set", name: "cart@1"))
        let next = try Self.apply(&catalog) { $0.ttlMilliseconds = 0 }.planEntry
        #expect(
            next
                == KassaV1.PlanEntry(
                    action: .add, kind: "feature_set", name: "cart@2",
                    details: ["ttl_ms changed from 3600000 to 0"]))
        let words = try Self.apply(&catalog) {
            $0.ttlMilliseconds = 0
            $0.owner = "us"
        }.planEntry
        #expect(words.action == .change)
    }
}
