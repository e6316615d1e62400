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

    @Test func `a reply is as long as the limit says, and no byte longer`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([
                .featureSet(
                    KassaV1.FeatureSetSpec(
                        name: "page", version: 1, entity: ["session"],
                        features: [KassaV1.FeatureSpec(name: "text", type: .string)]))
            ])
            let words = String(repeating: "x", count: 512)
            try worker.write(text: words, session: "long")
            let least = try worker.replyByteCount(long: 8_000, last: 1, of: "short")
            // Each byte of the last text is one byte of the reply, once its length has two digits.
            try worker.write(text: String(repeating: "x", count: 200), session: "short")
            let some = try worker.replyByteCount(long: 8_000, last: 1, of: "short")
            #expect(some - least > 190)
            let perLong = try worker.replyByteCount(long: 8_001, last: 1, of: "short") - some
            let room = ReadLimits.replyByteCountMax - some
            let (more, rest) = (room / perLong, room % perLong)
            try worker.write(text: String(repeating: "x", count: 200 + rest), session: "short")
            let most = try worker.replyByteCount(long: 8_000 + more, last: 1, of: "short")
            #expect(most == ReadLimits.replyByteCountMax)
            try worker.write(text: String(repeating: "x", count: 201 + rest), session: "short")
            let error = #expect(throws: EngineError.self) {
                try worker.replyByteCount(long: 8_000 + more, last: 1, of: "short")
            }
            #expect(error?.kind == .invalidArgument)
            #expect(error?.reason.contains("fewer entities") == true)
        }
    }

    @Test func `long defaults of rows that are not there count too`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            let text = KassaV1.Value(kind: .text(String(repeating: "x", count: 1_024)))
            try engine.apply([
                .featureSet(
                    KassaV1.FeatureSetSpec(
                        name: "page", version: 1, entity: ["session"],
                        features: [
                            KassaV1.FeatureSpec(name: "text", type: .string, default: text)
                        ]))
            ])
            #expect(try worker.replyByteCount(long: 4_000, last: 0, of: "") > 4_000_000)
            #expect(throws: EngineError.self) {
                try worker.replyByteCount(long: 4_096, last: 0, of: "")
            }
        }
    }

    @Test func `as many values are read at once as the limit says, and no more`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            let features = (0..<100).map { KassaV1.FeatureSpec(name: "f\($0)", type: .bool) }
            try engine.apply([
                .featureSet(
                    KassaV1.FeatureSetSpec(
                        name: "flags", version: 1, entity: ["session"], features: features))
            ])
            let ids = (0..<10_000).map { "s\($0)" }
            let most = try worker.read("flags", ids: ids)
            #expect(most.featureSets[0].columns.count * ids.count == ReadLimits.valuesMax)
            let error = #expect(throws: EngineError.self) {
                try worker.read("flags", ids: ids, more: "f0")
            }
            #expect(error?.reason.contains("values") == true)
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

    @Test func `each entity is read as of its own time`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([
                .featureSet(
                    KassaV1.FeatureSetSpec(
                        name: "cart", version: 1, entity: ["session"],
                        features: [KassaV1.FeatureSpec(name: "items", type: .int64)],
                        historyMs: 60_000))
            ])
            let before = Timestamp.now().microseconds
            try worker.write(items: 7, session: "s")
            let after = Timestamp.now().microseconds
            let column = try worker.read(["s", "s", "t"], each: [before - 1, after, after])
            // NO_ENTITY, PRESENT, NO_ENTITY
            #expect(column.statuses == [3, 1, 3])
            #expect(column.values == .integers(KassaV1.IntegerValues(values: [0, 7, 0])))
            func reason(_ times: [Int64], asOf: Int64? = nil) -> String? {
                do {
                    _ = try worker.read(["s", "s"], each: times, asOf: asOf)
                    return nil
                } catch {
                    return (error as? EngineError)?.reason
                }
            }
            #expect(reason([after]) == "as_of_us_each: must be one time for each entity")
            #expect(
                reason([after, after, after]) == "as_of_us_each: must be one time for each entity")
            #expect(reason([after, after], asOf: after) == "as_of_us_each: as_of_us is given, too")
            #expect(reason([after, .max]) == "as_of_us_each[1]: is in the future")
            #expect(reason([.min, after])?.hasPrefix("as_of_us_each[0]: is before") == true)
        }
    }
}

extension Worker {
    /// Reads sessions' carts, each as of its own time; their first feature.
    fileprivate mutating func read(
        _ sessions: [String], each times: [Int64], asOf: Int64? = nil
    ) throws -> KassaV1.ReadColumn {
        begin()
        defer { end() }
        let request = KassaV1.ReadRequest(
            keys: [KassaV1.KeyColumn(kind: "session", ids: sessions)],
            selections: [KassaV1.FeatureSelection(featureSet: "cart")], asOfUs: asOf,
            asOfUsEach: times)
        let bytes = request.encodedBytes()
        var writer = WireWriter()
        try read(bytes.span, at: .now(), into: &writer)
        let response = try KassaV1.ReadResponse(decoding: writer.bytes)
        return response.featureSets[0].columns[0]
    }

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

extension Worker {
    /// Writes one session's page and waits for it.
    fileprivate mutating func write(text: String, session: String) throws {
        let request = KassaV1.WriteRequest(
            featureSet: "page", keys: [KassaV1.KeyColumn(kind: "session", ids: [session])],
            columns: [
                KassaV1.Column(
                    name: "text", values: .texts(KassaV1.TextValues(values: [text])))
            ])
        let bytes = request.encodedBytes()
        begin()
        let shared = Acknowledgement()
        try write(bytes.span, at: .now()) { result in shared.set(result) }
        #expect(try shared.wait().get().applied == 1)
    }

    /// The length of the reply for so many times the session "long" and then `session`.
    fileprivate mutating func replyByteCount(
        long: Int, last: Int, of session: String
    ) throws -> Int {
        begin()
        defer { end() }
        let ids = Array(repeating: "long", count: long) + Array(repeating: session, count: last)
        let request = KassaV1.ReadRequest(
            keys: [KassaV1.KeyColumn(kind: "session", ids: ids)],
            selections: [KassaV1.FeatureSelection(featureSet: "page")])
        let bytes = request.encodedBytes()
        var writer = WireWriter()
        // A fixed moment long after, so that all ages have one length.
        let now = Timestamp(microseconds: Timestamp.now().microseconds + 3_600_000_000)
        try read(bytes.span, at: now, into: &writer)
        return writer.bytes.count
    }

    /// Reads all features of many sessions, and one value more of another selection.
    fileprivate mutating func read(
        _ set: String, ids: [String], more: String? = nil
    ) throws -> KassaV1.ReadResponse {
        begin()
        defer { end() }
        var request = KassaV1.ReadRequest(
            keys: [KassaV1.KeyColumn(kind: "session", ids: ids)],
            selections: [KassaV1.FeatureSelection(featureSet: set)])
        if let more {
            request.selections.append(
                KassaV1.FeatureSelection(featureSet: set, features: [more]))
        }
        let bytes = request.encodedBytes()
        var writer = WireWriter()
        try read(bytes.span, at: .now(), into: &writer)
        return try KassaV1.ReadResponse(decoding: writer.bytes)
    }
}
