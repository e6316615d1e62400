// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Testing

/// Ids that make the retry of a write safe.
@Suite struct WriteIDTests {
    static func request(_ id: String) -> KassaV1.WriteRequest {
        var request = Fixture.request(["s"], [.floats("amount", [1])])
        request.writeId = id
        return request
    }

    static let answer = KassaV1.WriteResponse(
        sequence: 5, applied: 1, errors: [KassaV1.RowError(row: 3, field: "x", reason: "is bad")],
        reached: .durable, featureSet: "cart@1")

    @Test func `a retry is answered as the first time, and another write is a conflict`() throws {
        let id = try #require(try WriteID(Self.request("order-1")))
        #expect(id.decide(nil, now: Fixture.now) == .new)
        let record = id.record(Self.answer, at: Fixture.now)
        var retry = Self.request("order-1")
        retry.sequence = 99
        retry.durability = .durable
        let same = try #require(try WriteID(retry))
        #expect(same == id)
        var kept = Self.answer
        kept.sequence = 0
        kept.repeatedAnswer = true
        #expect(same.decide(record.span, now: Fixture.now + 1) == .repeated(kept))

        let changes: [(inout KassaV1.WriteRequest) -> Void] = [
            { $0.columns = [.floats("amount", [2])] }, { $0.keys[0].ids = ["t"] },
            { $0.eventTimeUs = [] }, { $0.columns[0].nulls = [1] }, { $0.featureSet = "cart@1" },
        ]
        for change in changes {
            var other = Self.request("order-1")
            change(&other)
            let id = try #require(try WriteID(other))
            #expect(id.key == same.key)
            #expect(id.decide(record.span, now: Fixture.now + 1) == .conflict)
        }
    }

    @Test func `ids of other feature sets and other ids have other keys`() throws {
        var other = Self.request("order-1")
        other.featureSet = "basket"
        let keys = try [
            Self.request("order-1"), Self.request("order-2"), other, Self.request("ORDER-1"),
        ].map { try Fixture.require(try WriteID($0)).key }
        #expect(Set(keys).count == 4)
        #expect(keys.allSatisfy { $0.count == 33 && $0[0] == 1 })
    }

    @Test func `an id has up to 128 bytes, and none is none`() throws {
        #expect(try WriteID(Self.request("")) == nil)
        #expect(try WriteID(Self.request(String(repeating: "ü", count: 64))) != nil)
        #expect(throws: FieldError.self) {
            try WriteID(Self.request(String(repeating: "ü", count: 64) + "x"))
        }
    }

    @Test func `an id is known for a day, and a damaged record is none`() throws {
        let id = try #require(try WriteID(Self.request("order-1")))
        let record = id.record(Self.answer, at: Fixture.now)
        let day = WriteID.lifetimeMicroseconds
        #expect(id.decide(record.span, now: Fixture.now + day) != .new)
        #expect(id.decide(record.span, now: Fixture.now + day + 1) == .new)
        for bit in 0..<record.count * 8 {
            var flipped = record
            flipped[bit >> 3] ^= 1 << (bit & 7)
            #expect(id.decide(flipped.span, now: Fixture.now) == .new)
        }
        for count in 0..<record.count {
            #expect(id.decide(record.span.extracting(first: count), now: Fixture.now) == .new)
        }
    }

    @Test func `a long answer is kept without its last errors`() throws {
        let id = try #require(try WriteID(Self.request("order-1")))
        var long = Self.answer
        long.errors = (0..<10_000).map {
            KassaV1.RowError(row: $0, field: "amount", reason: "is not a finite number")
        }
        let record = id.record(long, at: Fixture.now)
        #expect(record.count <= WriteID.answerByteCountMax + 48)
        guard case .repeated(let answer) = id.decide(record.span, now: Fixture.now) else {
            Issue.record("not repeated")
            return
        }
        #expect(answer.applied == 1)
        #expect(answer.errors.count > 100)
        #expect(answer.errors == Array(long.errors[..<answer.errors.count]))
    }

    @Test func `the oldest ids are forgotten first`() throws {
        let now = Fixture.now
        let day = WriteID.lifetimeMicroseconds
        let ages = [day + 2, day + 1, day, 5, 0]
        let entries = try ages.enumerated().map { index, age in
            let id = try Fixture.require(try WriteID(Self.request("order-\(index)")))
            return (id: id, key: id.expiryKey(at: now - age))
        }
        let keys = entries.map(\.key)
        #expect(keys.sorted { $0.lexicographicallyPrecedes($1) } == keys)
        #expect(keys.allSatisfy { $0.starts(with: WriteIDExpiry.prefix) })
        for (id, key) in entries {
            #expect(WriteIDExpiry.recordKey(of: key.span) == id.key)
        }
        var byAge = WriteIDExpiry(now: now, count: 5)
        #expect(keys.map { byAge.forgets($0.span) } == [true, true, false, false, false])
        var byCount = WriteIDExpiry(now: now, count: WriteID.countMax + 3)
        #expect(keys.map { byCount.forgets($0.span) } == [true, true, true, false, false])
        var strange = WriteIDExpiry(now: now, count: 0)
        let forgets = strange.forgets([2, 0, 0].span)
        #expect(!forgets)
    }
}
