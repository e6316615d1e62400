// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import Testing
import Wire

struct `Reading` {
    @Test func `as many feature sets are read at once as the limit says, and no more`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([cart])
            let most = try worker.read(selections: ReadLimits.selectionsMax)
            #expect(most.featureSets.count == ReadLimits.selectionsMax)
            let error = #expect(throws: EngineError.self) {
                try worker.read(selections: ReadLimits.selectionsMax + 1)
            }
            #expect(error?.kind == .invalidArgument)
            #expect(error?.reason.contains("selections") == true)
        }
    }

    @Test func `a row of a configuration newer than the turn is read all the same`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([cart])
            worker.begin()
            let features = [("items", .int64), ("device", .string), ("total", .float64)].map {
                (name: String, type: KassaV1.FeatureType) in
                KassaV1.FeatureSpec(name: name, type: type)
            }
            try engine.apply([
                .featureSet(
                    KassaV1.FeatureSetSpec(
                        name: "cart", version: 2, entity: ["session"], features: features))
            ])
            var other = try Worker(engine: engine, loop: 0)
            try other.write(items: 7, session: "s", set: "cart@2")
            let response = try worker.readNow(selections: 1)
            #expect(response.epoch == 2)
            #expect(response.featureSets[0].columns[0].statuses == [1])  // PRESENT
        }
    }
}

extension Worker {
    /// Reads one session's cart that many times in one request.
    fileprivate mutating func read(selections: Int) throws -> KassaV1.ReadResponse {
        begin()
        defer { end() }
        return try readNow(selections: selections)
    }

    /// The same, in the turn that has begun.
    fileprivate mutating func readNow(selections: Int) throws -> KassaV1.ReadResponse {
        let request = KassaV1.ReadRequest(
            keys: [KassaV1.KeyColumn(kind: "session", ids: ["s"])],
            selections: (0..<selections).map { _ in KassaV1.FeatureSelection(featureSet: "cart") })
        let bytes = request.encodedBytes()
        var writer = WireWriter()
        try read(bytes.span, at: .now(), into: &writer)
        return try KassaV1.ReadResponse(decoding: writer.bytes)
    }
}
