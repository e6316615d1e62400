// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import Testing
import Wire

/// What a loop keeps of selections, and reads of several sets, kinds and runs of rows.
@Suite struct ReadSelectionTests {
    private static func items(_ name: String, version: UInt32, _ kinds: [String], more: Int = 0)
        -> KassaV1.Document.Resource
    {
        let items = KassaV1.FeatureSpec(
            name: "items", type: .int64, default: KassaV1.Value(kind: .integer(-7)))
        return .featureSet(
            KassaV1.FeatureSetSpec(
                name: name, version: version, entity: kinds,
                features: [items]
                    + (0..<more).map { KassaV1.FeatureSpec(name: "f\($0)", type: .int64) }))
    }

    private static func integers(_ values: KassaV1.FeatureSetValues) -> [Int64] {
        guard case .integers(let integers)? = values.columns.first?.values else { return [] }
        return integers.values
    }

    @Test func `the newest version is read as soon as it is in force`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([Self.items("cart", version: 1, ["session"])])
            try worker.write(items: 3, session: "s")
            let keys = [KassaV1.KeyColumn(kind: "session", ids: ["s"])]
            for version in 1...4 as ClosedRange<UInt32> {
                for _ in 0..<3 {
                    let reply = try worker.read(keys, ["cart"])
                    #expect(reply.epoch == UInt64(version))
                    #expect(reply.featureSets[0].featureSet == "cart@\(version)")
                    #expect(reply.featureSets[0].columns.count == Int(version))
                    #expect(Self.integers(reply.featureSets[0]) == [3])
                }
                try engine.apply([
                    Self.items("cart", version: version + 1, ["session"], more: Int(version))
                ])
            }
        }
    }

    @Test func `more selections than a loop keeps are read all the same`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([Self.items("cart", version: 1, ["session"], more: 30)])
            try worker.write(items: 3, session: "s")
            let keys = [KassaV1.KeyColumn(kind: "session", ids: ["s"])]
            // Each pair of features is a selection of its own.
            for round in 0..<2 {
                for first in 0..<30 {
                    for second in 0..<30 {
                        let names = ["items", "f\(first)", "f\(second)"]
                        let reply = try worker.read(keys, ["cart"], features: names)
                        #expect(reply.featureSets[0].columns.map(\.name) == names)
                        #expect(Self.integers(reply.featureSets[0]) == [3], "round \(round)")
                    }
                }
            }
        }
    }

    @Test func `sets with other kinds and composite keys are read together, in any order`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([
                Self.items("a", version: 1, ["session"]),
                Self.items("b", version: 1, ["session", "product"]),
                Self.items("c", version: 1, ["product"]),
                Self.items("d", version: 1, ["session"]),
            ])
            for (name, kinds, items) in [
                ("a", ["session"], 1), ("b", ["session", "product"], 2), ("c", ["product"], 3),
                ("d", ["session"], 4),
            ] {
                let result = try worker.submit(
                    KassaV1.WriteRequest(
                        featureSet: name,
                        keys: kinds.map { KassaV1.KeyColumn(kind: $0, ids: ["\($0)-1"]) },
                        columns: [
                            KassaV1.Column(
                                name: "items",
                                values: .integers(KassaV1.IntegerValues(values: [Int64(items)])))
                        ]))
                #expect(try result.get().applied == 1)
            }
            let keys = [
                KassaV1.KeyColumn(kind: "other", ids: ["", ""]),
                KassaV1.KeyColumn(kind: "product", ids: ["product-1", "product-1"]),
                KassaV1.KeyColumn(kind: "session", ids: ["session-1", "session-2"]),
            ]
            for names in [["a", "b", "c", "d"], ["d", "a", "c", "b"], ["b", "b"], ["c", "a"]] {
                let reply = try worker.read(keys, names)
                #expect(reply.featureSets.map(\.featureSet) == names.map { "\($0)@1" })
                let expected = ["a": [1, -7], "b": [2, -7], "c": [3, 3], "d": [4, -7]]
                for (name, values) in zip(names, reply.featureSets) {
                    #expect(Self.integers(values) == expected[name]?.map { Int64($0) })
                    #expect(values.columns[0].statuses == (name == "c" ? [1, 1] : [1, 7]))
                }
            }
        }
    }

    @Test func `rows of more than one run are told apart`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            let names = (0..<5).map { "set\($0)" }
            try engine.apply(names.map { Self.items($0, version: 1, ["session"]) })
            // Two sets of so many entities are looked up together, and not three.
            let count = 7_000
            let ids = (0..<count).map { "s-\($0)" }
            for (index, name) in names.enumerated() {
                let values = (0..<count).map { Int64($0 * 10 + index) }
                let result = try worker.submit(
                    KassaV1.WriteRequest(
                        featureSet: name, keys: [KassaV1.KeyColumn(kind: "session", ids: ids)],
                        columns: [
                            KassaV1.Column(
                                name: "items",
                                values: .integers(KassaV1.IntegerValues(values: values)))
                        ]))
                #expect(try Int(result.get().applied) == count)
            }
            let reply = try worker.read([KassaV1.KeyColumn(kind: "session", ids: ids)], names)
            for (index, values) in reply.featureSets.enumerated() {
                #expect(Self.integers(values) == (0..<count).map { Int64($0 * 10 + index) })
            }
        }
    }

    @Test func `keys that do not fit are refused by name`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([Self.items("pair", version: 1, ["session", "product"])])
            func reason(_ keys: [KassaV1.KeyColumn]) -> String? {
                do {
                    _ = try worker.read(keys, ["pair"])
                    return nil
                } catch {
                    return (error as? EngineError)?.reason
                }
            }
            let session = KassaV1.KeyColumn(kind: "session", ids: ["s", "t"])
            let product = KassaV1.KeyColumn(kind: "product", ids: ["p", "q"])
            #expect(reason([session, product]) == nil)
            #expect(reason([]) == "keys: has no ids of kind session")
            #expect(reason([session]) == "keys: has no ids of kind product")
            #expect(reason([product, session, product]) == "keys: has ids of kind product twice")
            #expect(
                reason([session, KassaV1.KeyColumn(kind: "product", ids: ["p"])])
                    == "keys[product].ids: must be as many as the other ids")
            #expect(
                reason([session, KassaV1.KeyColumn(kind: "product", ids: ["p", ""])])
                    == "keys[product].ids[1]: is empty")
            #expect(
                reason([KassaV1.KeyColumn(kind: "session", ids: []), product])
                    == "keys: must have 1 to 10000 ids a kind")
            let many = KassaV1.KeyColumn(
                kind: "session", ids: Array(repeating: "s", count: 10_001))
            #expect(reason([many, product]) == "keys: must have 1 to 10000 ids a kind")
            #expect(
                reason([product, many]) == "keys[session].ids: must be as many as the other ids")
        }
    }
}

extension Worker {
    fileprivate mutating func read(
        _ keys: [KassaV1.KeyColumn], _ sets: [String], features: [String] = []
    ) throws -> KassaV1.ReadResponse {
        begin()
        defer { end() }
        let request = KassaV1.ReadRequest(
            keys: keys,
            selections: sets.map { KassaV1.FeatureSelection(featureSet: $0, features: features) })
        let bytes = request.encodedBytes()
        var writer = WireWriter()
        try read(bytes.span, at: .now(), into: &writer)
        return try KassaV1.ReadResponse(decoding: writer.bytes)
    }
}
