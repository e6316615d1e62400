// SPDX-License-Identifier: Apache-2.0

import API
import Testing
import Wire

@Suite struct MessageTests {
    private func encode<Message: WireMessage>(_ message: Message) -> [UInt8] {
        var writer = WireWriter(capacity: 16)
        message.encode(into: &writer)
        return (0..<writer.count).map { writer.bytes[$0] }
    }

    private let response = KassaV1.ScoreResponse(
        score: 0.75, margin: -0.0, slot: .canary, model: "abandonment@1",
        bundleSha256: [UInt8](repeating: 7, count: 32), epoch: 12,
        degraded: [.init(name: "cart_value", status: .stale), .init(name: "items")],
        oldestFeatureAgeMs: 90_000,
        features: [
            .init(name: "cart_value", value: .init(kind: .number(19.99)), status: .stale, ageMs: -1)
        ])

    @Test func `a message comes back equal`() throws {
        let bytes = encode(response)
        let again = try KassaV1.ScoreResponse(decoding: bytes.span)
        #expect(again == response)
        #expect(again.margin.sign == .minus)
    }

    @Test func `a message cut off is refused, or is what came before`() throws {
        let bytes = encode(response)
        var accepted = 0
        for count in 0..<bytes.count {
            guard let part = try? KassaV1.ScoreResponse(decoding: Array(bytes.prefix(count)).span)
            else { continue }
            accepted += 1
            #expect(encode(part).count == count)
        }
        // At the start and after each field but the last.
        #expect(accepted == 10)
    }

    @Test func `defaults take no bytes`() {
        for type in APIFiles.messages { #expect(encode(type.init()).isEmpty) }
    }

    @Test func `an explicit default of an optional field is kept`() throws {
        #expect(encode(KassaV1.ApplyRequest(expectedEpoch: 0)) == [0x10, 0x00])
        let none: [UInt8] = []
        #expect(try KassaV1.ApplyRequest(decoding: none.span).expectedEpoch == nil)
        let zero: [UInt8] = [0x10, 0x00]
        #expect(try KassaV1.ApplyRequest(decoding: zero.span).expectedEpoch == 0)
    }

    @Test func `the last member of a oneof wins, and a split one is merged`() throws {
        let number = encode(KassaV1.Value(kind: .number(1)))
        let first = encode(KassaV1.Value(kind: .vector(.init(values: [1, 2]))))
        let second = encode(KassaV1.Value(kind: .vector(.init(values: [3]))))
        #expect(
            try KassaV1.Value(decoding: (number + first + second).span).kind
                == .vector(.init(values: [1, 2, 3])))
        #expect(
            try KassaV1.Value(decoding: (first + number + second).span).kind
                == .vector(.init(values: [3])))
        #expect(try KassaV1.Value(decoding: (first + number).span).kind == .number(1))
    }

    @Test func `a split message is merged and a repeated scalar field is the last`() throws {
        let first = encode(KassaV1.NamedValue(name: "a", value: .init(kind: .flag(true))))
        let second = encode(KassaV1.NamedValue(name: "b", value: .init()))
        let merged = try KassaV1.NamedValue(decoding: (first + second).span)
        #expect(merged == KassaV1.NamedValue(name: "b", value: .init(kind: .flag(true))))
    }

    @Test func `repeated numbers are read packed, unpacked and mixed`() throws {
        let bytes: [UInt8] = [0x18, 0x02, 0x1a, 0x02, 0x04, 0x06, 0x18, 0x08]
        #expect(try KassaV1.WriteRequest(decoding: bytes.span).eventTimeUs == [1, 2, 3, 4])
    }

    @Test func `a value that an enum does not know is kept`() throws {
        let note = KassaV1.FeatureNote(name: "x", status: .init(rawValue: 99))
        let again = try KassaV1.FeatureNote(decoding: encode(note).span)
        #expect(again.status.rawValue == 99)
        #expect(again.status.name == "99")
        #expect(KassaV1.Status.noEntity.name == "NO_ENTITY")
        #expect(KassaV1.Slot.unspecified.rawValue == 0)
    }

    @Test func `a field of another wire type is unknown`() throws {
        let bytes: [UInt8] = [0x08, 0x05, 0x12, 0x01, 0x61]
        let key = try KassaV1.EntityKey(decoding: bytes.span)
        #expect(key == KassaV1.EntityKey(id: "a"))
    }

    @Test func `field numbers are those of the proto file`() {
        #expect(KassaV1.ScoreRequest.Field.context == 3)
        #expect(KassaV1.FeatureSpec.Field.default == 3)
        #expect(KassaV1.WriteRequest.Field.eventTimeUs == 3)
    }
}
