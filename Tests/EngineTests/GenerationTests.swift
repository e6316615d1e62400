// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import Glibc
import Testing
import Wire

extension Worker {
    /// Writes rows of items, one a session, and waits; to a generation if it is not 0.
    @discardableResult
    mutating func write(
        _ rows: [(session: String, items: Int64)], generation: UInt64 = 0, at time: Int64? = nil
    ) throws -> KassaV1.WriteResponse {
        let request = KassaV1.WriteRequest(
            featureSet: "cart",
            keys: [KassaV1.KeyColumn(kind: "session", ids: rows.map(\.session))],
            eventTimeUs: time.map { [$0] } ?? [],
            columns: [
                KassaV1.Column(
                    name: "items",
                    values: .integers(KassaV1.IntegerValues(values: rows.map(\.items))))
            ],
            generation: generation)
        let bytes = request.encodedBytes()
        begin()
        let shared = Acknowledgement()
        try write(bytes.span, at: .now()) { result in shared.set(result) }
        return try shared.wait().get()
    }

    /// The items of sessions; nil where there is no row.
    mutating func items(_ sessions: [String]) throws -> [Int64?] {
        begin()
        defer { end() }
        let request = KassaV1.ReadRequest(
            keys: [KassaV1.KeyColumn(kind: "session", ids: sessions)],
            selections: [KassaV1.FeatureSelection(featureSet: "cart", features: ["items"])])
        var writer = WireWriter()
        let bytes = request.encodedBytes()
        try read(bytes.span, at: .now(), into: &writer)
        let column = try KassaV1.ReadResponse(decoding: writer.bytes).featureSets[0].columns[0]
        guard case .integers(let integers) = column.values else { return [] }
        return zip(integers.values, column.statuses).map { $1 == 1 ? $0 : nil }
    }
}

extension Engine {
    func begin(_ set: String = "cart") throws -> KassaV1.GenerationInfo {
        let request = KassaV1.BeginGenerationRequest(featureSet: set, actor: "test")
        return try #require(try beginGeneration(request, at: .now()).generation)
    }

    func check(
        _ id: UInt64, _ limits: KassaV1.GenerationLimits? = nil
    ) throws -> KassaV1.CheckGenerationResponse {
        let request = KassaV1.CheckGenerationRequest(featureSet: "cart", id: id, limits: limits)
        return try keep(examineGeneration(request), at: .now())
    }

    @discardableResult
    func move(
        to id: UInt64, force: Bool = false, reason: String = "", expecting: UInt64? = nil
    ) throws -> KassaV1.SwitchGenerationResponse {
        let request = KassaV1.SwitchGenerationRequest(
            featureSet: "cart", id: id, expectedServing: expecting, force: force, reason: reason)
        return try switchGeneration(request, at: .now())
    }

    func rollBack(expecting: UInt64? = nil) throws {
        let request = KassaV1.RollbackGenerationRequest(
            featureSet: "cart", expectedServing: expecting)
        _ = try rollBackGeneration(request, at: .now())
    }

    func discard(_ id: UInt64) throws {
        _ = try discardGeneration(
            KassaV1.DiscardGenerationRequest(featureSet: "cart", id: id), at: .now())
    }

    func generations(_ set: String = "cart") throws -> [KassaV1.GenerationInfo] {
        try listGenerations(KassaV1.ListGenerationsRequest(featureSet: set)).generations
    }

    /// Waits until no discarded generation has rows left.
    func settle() throws {
        for _ in 0..<2_000 {
            if try !generations("").contains(where: { $0.state == .discarded }) { return }
            usleep(5_000)
        }
        Issue.record("the rows were not deleted")
    }
}

/// What kind of refusal `body` ends with.
func refusal(_ body: () throws -> Void) -> EngineError.Kind? {
    do {
        try body()
        return nil
    } catch {
        return (error as? EngineError)?.kind
    }
}

private func rows(_ range: Range<Int>, items: Int64) -> [(session: String, items: Int64)] {
    range.map { ("s\($0)", items) }
}

struct `Generations` {
    private func withCart(_ body: (Engine, inout Worker) throws -> Void) throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([cart])
            try body(engine, &worker)
        }
    }

    @Test func `rows that are loaded are invisible until the switch, and replace all`() throws {
        try withCart { engine, worker in
            try worker.write(rows(0..<100, items: 1), at: 1)
            let generation = try engine.begin()
            #expect(generation.id == 1)
            #expect(generation.state == .loading)
            try worker.write(rows(10..<110, items: 2), generation: 1, at: 1)
            #expect(try worker.items(["s0", "s50", "s105"]) == [1, 1, nil])
            #expect(try engine.check(1).verdict == .proceed)
            let epoch = engine.epoch
            #expect(try engine.move(to: 1, expecting: 0).epoch == epoch + 1)
            #expect(try worker.items(["s0", "s50", "s105"]) == [nil, 2, 2])
            try engine.rollBack(expecting: 1)
            #expect(try worker.items(["s0", "s50", "s105"]) == [1, 1, nil])
            try engine.rollBack(expecting: 0)
            #expect(try worker.items(["s0", "s50", "s105"]) == [nil, 2, 2])
            #expect(engine.epoch == epoch + 3)
        }
    }

    @Test func `live writes are in every generation that may serve`() throws {
        try withCart { engine, worker in
            try worker.write([("old", 1)], at: 1)
            _ = try engine.begin()
            // Newer than what the load has for the key, whichever comes first.
            try worker.write([("before", 7)], at: 5)
            try worker.write([("before", 2), ("after", 2)], generation: 1, at: 3)
            try worker.write([("after", 8)], at: 5)
            try worker.write([("fresh", 9)], at: 5)
            try engine.move(to: 1, force: true, reason: "test")
            #expect(try worker.items(["before", "after", "fresh", "old"]) == [7, 8, 9, nil])
            try worker.write([("later", 4)], at: 6)
            try engine.rollBack()
            #expect(
                try worker.items(["before", "after", "fresh", "old", "later"]) == [7, 8, 9, 1, 4])
        }
    }

    @Test func `a switch needs a check of all rows that were loaded`() throws {
        try withCart { engine, worker in
            _ = try engine.begin()
            #expect(refusal { try engine.move(to: 1) } == .failedPrecondition)
            try worker.write(rows(0..<10, items: 1), generation: 1)
            #expect(try engine.check(1).verdict == .proceed)
            try worker.write(rows(10..<11, items: 1), generation: 1)
            #expect(refusal { try engine.move(to: 1) } == .failedPrecondition)
            #expect(try engine.generations()[0].verdict == .unchecked)
            #expect(try engine.check(1).verdict == .proceed)
            #expect(refusal { try engine.move(to: 2) } == .notFound)
            #expect(refusal { try engine.move(to: 1, expecting: 3) } == .aborted)
            #expect(refusal { try engine.move(to: 1, force: true) } == .invalidArgument)
            try engine.move(to: 1)
            #expect(refusal { try engine.rollBack(expecting: 0) } == .aborted)
        }
    }

    @Test func `each gate refuses what it is about`() throws {
        try withCart { engine, worker in
            let old = (0..<2_000).map { ("s\($0)", Int64($0 % 100)) }
            try worker.write(old, at: 1)
            func failing(
                _ given: [(String, Int64)], _ limits: KassaV1.GenerationLimits? = nil
            ) throws -> [String] {
                let generation = try engine.begin()
                if !given.isEmpty { try worker.write(given, generation: generation.id, at: 1) }
                let response = try engine.check(generation.id, limits)
                let failed = response.gates.filter { !$0.passed }.map(\.gate)
                #expect(response.verdict == (failed.isEmpty ? .proceed : .refuse))
                if !failed.isEmpty {
                    #expect(refusal { try engine.move(to: generation.id) } == .failedPrecondition)
                }
                try engine.discard(generation.id)
                return failed
            }
            #expect(try failing(old) == [])
            #expect(try failing(Array(old.prefix(1_400))) == [])
            #expect(try failing(Array(old.prefix(1_399))) == ["row_change"])
            #expect(try failing([]).contains("rows_min"))
            #expect(
                try failing(old, KassaV1.GenerationLimits(rowsMin: 2_001)) == ["rows_min"])
            #expect(try failing(old.map { ($0.0, $0.1 + 60) }) == ["psi"])
            #expect(try failing(old.map { ($0.0, 42) }) == ["psi"])
            let repeated = old + old.prefix(41).map { ($0.0, $0.1 + 1) }
            #expect(try failing(repeated) == ["duplicate_share"])
            // A request that was sent twice repeats no key.
            #expect(try failing(old + old.prefix(500)) == [])
            #expect(
                refusal {
                    _ = try failing(old, KassaV1.GenerationLimits(psiMax: -.infinity))
                } == .invalidArgument)
        }
    }

    @Test func `a rise of missing values is refused`() throws {
        try withCart { engine, worker in
            try worker.write(rows(0..<1_000, items: 1), at: 1)
            _ = try engine.begin()
            for (range, isNull) in [(0..<850, false), (850..<1_000, true)] {
                let request = KassaV1.WriteRequest(
                    featureSet: "cart",
                    keys: [KassaV1.KeyColumn(kind: "session", ids: range.map { "s\($0)" })],
                    eventTimeUs: [1],
                    columns: [
                        KassaV1.Column(
                            name: "items",
                            values: .integers(
                                KassaV1.IntegerValues(values: range.map { _ in 1 })),
                            nulls: isNull
                                ? Array(repeating: 0xFF, count: (range.count + 7) / 8) : [])
                    ],
                    generation: 1)
                let shared = Acknowledgement()
                let bytes = request.encodedBytes()
                worker.begin()
                try worker.write(bytes.span, at: .now()) { result in shared.set(result) }
                #expect(try shared.wait().get().errors.isEmpty)
            }
            let response = try engine.check(1)
            #expect(response.verdict == .refuse)
            let gate = try #require(response.gates.first { !$0.passed })
            #expect(gate.gate == "null_rise")
            #expect(gate.feature == "items")
            #expect(abs(gate.value - 0.15) < 1e-9)
            #expect(
                try engine.check(1, KassaV1.GenerationLimits(nullRiseMax: 0.15)).verdict == .proceed
            )
        }
    }

    @Test func `rows of live writes are no repeated keys`() throws {
        try withCart { engine, worker in
            _ = try engine.begin()
            try worker.write(rows(0..<500, items: 9), at: 5)
            try worker.write(rows(0..<1_000, items: 1), generation: 1, at: 1)
            let info = try engine.generations()[0]
            #expect(info.rowsLoaded == 1_000)
            #expect(info.duplicateKeys == 0)
            #expect(info.rows == 1_000)
        }
    }

    @Test func `a discarded generation loses its rows and gives its table back`() throws {
        try withCart { engine, worker in
            for round in 1...UInt64(EngineLimits.generationTablesMax) * 2 {
                _ = try engine.begin()
                try worker.write(rows(0..<5_000, items: 1), generation: round)
                #expect(
                    refusal { try worker.write([("s", 1)], generation: round + 1) }
                        == .failedPrecondition)
                try engine.discard(round)
                #expect(
                    refusal { try worker.write([("s", 1)], generation: round) }
                        == .failedPrecondition)
                if round % 8 == 0 { try engine.settle() }
            }
            try engine.settle()
            #expect(try engine.generations().map(\.id) == [0])
            let generation = try engine.begin()
            #expect(generation.table == "generation-0")
            #expect(generation.rows == 0)
        }
    }

    @Test func `when all spare tables are taken another generation is refused`() throws {
        try TemporaryFolder().withEngine { engine, _ in
            func set(_ number: Int) -> KassaV1.Document.Resource {
                .featureSet(
                    KassaV1.FeatureSetSpec(
                        name: "set\(number)", entity: ["session"],
                        features: [KassaV1.FeatureSpec(name: "items", type: .int64)]))
            }
            try engine.apply((0...EngineLimits.generationTablesMax).map { set($0) })
            for number in 0..<EngineLimits.generationTablesMax {
                _ = try engine.begin("set\(number)")
            }
            let last = "set\(EngineLimits.generationTablesMax)"
            #expect(refusal { _ = try engine.begin(last) } == .resourceExhausted)
            #expect(refusal { _ = try engine.begin("set0") } == .failedPrecondition)
            #expect(refusal { _ = try engine.begin("nothing") } == .notFound)
        }
    }

    @Test func `the first generation's rows go when it is no longer kept, and only they`() throws {
        try withCart { engine, worker in
            let other = KassaV1.Document.Resource.featureSet(
                KassaV1.FeatureSetSpec(
                    name: "other", entity: ["session"],
                    features: [KassaV1.FeatureSpec(name: "items", type: .int64)]))
            try engine.apply([other])
            try worker.write(rows(0..<3_000, items: 1))
            try worker.write(items: 5, session: "s1", set: "other")
            for id in [UInt64(1), 2] {
                _ = try engine.begin()
                try worker.write(rows(0..<3_000, items: Int64(id)), generation: id)
                try engine.move(to: id, force: true, reason: "test")
            }
            try engine.settle()
            #expect(try engine.generations().map(\.id) == [2, 1])
            #expect(try worker.items(["s1"]) == [2])
            #expect(refusal { try engine.discard(2) } == .failedPrecondition)
            #expect(refusal { try engine.discard(0) } == .notFound)
            worker.begin()
            var writer = WireWriter()
            let request = KassaV1.ReadRequest(
                keys: [KassaV1.KeyColumn(kind: "session", ids: ["s1", "s2"])],
                selections: [KassaV1.FeatureSelection(featureSet: "other")]
            ).encodedBytes()
            try worker.read(request.span, at: .now(), into: &writer)
            worker.end()
            let response = try KassaV1.ReadResponse(decoding: writer.bytes)
            #expect(response.featureSets[0].columns[0].statuses == [1, 3])
        }
    }

    @Test func `everything is as it was after a restart`() throws {
        let folder = TemporaryFolder()
        try folder.withEngine { engine, worker in
            try engine.apply([cart])
            try worker.write(rows(0..<10, items: 1))
            _ = try engine.begin()
            try worker.write(rows(0..<8, items: 2), generation: 1)
            #expect(try engine.check(1).verdict == .proceed)
        }
        try folder.withEngine { engine, worker in
            // Half loaded: what is there is told, and the load goes on or not.
            let info = try engine.generations()
            #expect(info.map(\.state) == [.loading, .serving])
            #expect(info[0].rowsLoaded == 8)
            #expect(info[0].rows == 8)
            #expect(info[0].verdict == .proceed)
            #expect(try worker.items(["s1"]) == [1])
            try engine.move(to: 1)
            #expect(try worker.items(["s1"]) == [2])
        }
        try folder.withEngine { engine, worker in
            #expect(try worker.items(["s1", "s9"]) == [2, nil])
            try worker.write([("s3", 5)])
            try engine.rollBack()
            #expect(try worker.items(["s1", "s9", "s3"]) == [1, 1, 5])
            try engine.discard(1)
        }
        try folder.withEngine { engine, _ in
            try engine.settle()
            let generation = try engine.begin()
            #expect(generation.id == 2)
            #expect(generation.rows == 0)
        }
    }

    @Test func `a scorer reads the generation that serves`() throws {
        try withCart { engine, worker in
            try engine.uploadStump()
            try engine.apply([scorer("stump@1")])
            try worker.write([("s", 2)])
            _ = try engine.begin()
            try worker.write([("s", 5)], generation: 1)
            #expect(try worker.score("s").margin == 0.25)
            try engine.move(to: 1, force: true, reason: "test")
            #expect(try worker.score("s").margin == -0.25)
            // Another change of configuration keeps the place.
            try engine.apply([scorer("stump")], dryRun: false)
            try engine.uploadStump(threshold: 4, name: "other")
            #expect(try worker.score("s").margin == -0.25)
        }
    }
}
