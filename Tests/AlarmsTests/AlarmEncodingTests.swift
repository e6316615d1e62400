// SPDX-License-Identifier: Apache-2.0

import Alarms
import Base
import Testing

private func text(_ alarm: Alarm, server: String = "") -> String {
    String(decoding: alarm.json(server: server), as: UTF8.self)
}

private let instant = Timestamp(microseconds: 1_790_000_000_000_001)

@Test func `an alarm is one object with what is known of it`() {
    let alarm = Alarm(
        .rolledBack, scorer: "cart", rolloutID: 7, model: "abandonment@2", reason: "it erred",
        details: [.init("log_evidence", 7.25), .init("weight_percent", 5)], at: instant, id: "ab")
    #expect(
        text(alarm, server: "shop-1:6750")
            == #"{"id":"ab","kind":"rolled_back","state":"raised","at_us":1790000000000001,"#
            + #""server":"shop-1:6750","scorer":"cart","model":"abandonment@2","rollout_id":7,"#
            + #""reason":"it erred","details":{"log_evidence":7.25,"weight_percent":5.0}}"#)
}

@Test func `what is empty is left out`() {
    let alarm = Alarm(.storeDamage, .cleared, reason: "", at: instant, id: "ab")
    #expect(
        text(alarm)
            == #"{"id":"ab","kind":"store_damage","state":"cleared","at_us":1790000000000001,"#
            + #""reason":""}"#)
}

@Test func `no text can begin a line, end a string or speak to a terminal`() {
    let evil = "a\n\r\u{1B}[2J\"\\\u{0}\u{7F}\u{85}\u{9B}\u{2028}\u{202E}é\u{1F600}"
    let alarm = Alarm(
        .paused, scorer: evil, model: evil, reason: evil, details: [.init(evil, 1)], at: instant)
    let bytes = alarm.json(server: evil)
    #expect(bytes.allSatisfy { (0x20...0x7E).contains($0) })
    let expected =
        #"a\n\u000d\u001b[2J\"\\\u0000\u007f\u0085\u009b\u2028\u202e\u00e9\ud83d\ude00"#
    #expect(text(alarm).contains("\"reason\":\"\(expected)\""))
    #expect(text(alarm).contains("{\"\(expected)\":1.0}"))
}

@Test func `numbers that JSON does not know are texts`() {
    let alarm = Alarm(
        .frozen, reason: "",
        details: [.init("a", .nan), .init("b", .infinity), .init("c", -.infinity)], at: instant)
    #expect(text(alarm).hasSuffix(#""details":{"a":"NaN","b":"Infinity","c":"-Infinity"}}"#))
}

@Test func `of details with one name the first counts, and the eleventh is left out`() {
    let details = [Alarm.Detail("d0", -1)] + (0...10).map { Alarm.Detail("d\($0)", Double($0)) }
    let encoded = text(Alarm(.frozen, reason: "", details: details, at: instant))
    #expect(encoded.contains(#"{"d0":-1.0,"d1":1.0,"#))
    #expect(encoded.hasSuffix(#""d9":9.0}}"#))
}

@Test func `a reason is cut at its limit and not before`() {
    let limit = AlarmLimits.reasonByteCountMax
    let whole = String(repeating: "r", count: limit)
    #expect(text(Alarm(.paused, reason: whole, at: instant)).contains("\"\(whole)\""))
    let cut = String(repeating: "r", count: limit - 3) + "..."
    #expect(text(Alarm(.paused, reason: whole + "r", at: instant)).contains("\"\(cut)\""))
    // What is escaped is cut between two characters.
    let accents = text(
        Alarm(.paused, reason: String(repeating: "\u{1F600}", count: 500), at: instant))
    #expect(accents.contains(#"\ude00...""#))
}

@Test func `a name is cut at its limit and not before`() {
    let whole = String(repeating: "n", count: AlarmLimits.nameByteCountMax)
    #expect(text(Alarm(.paused, scorer: whole, reason: "", at: instant)).contains("\"\(whole)\""))
    let longer = text(Alarm(.paused, scorer: whole + "n", reason: "", at: instant))
    #expect(longer.contains("n...\"") && !longer.contains(whole))
}

@Test func `the largest alarm keeps to the limit of an encoding`() {
    let long = String(repeating: "\u{1F600}", count: 4_000)
    let details = (0..<40).map { Alarm.Detail("\($0)" + long, -Double.leastNonzeroMagnitude * 3) }
    for kind in AlarmKind.allCases {
        let alarm = Alarm(
            kind, scorer: long, rolloutID: .max, model: long, reason: long, details: details,
            at: Timestamp(microseconds: .min), id: long)
        #expect(alarm.json(server: long).count <= AlarmLimits.encodedByteCountMax)
    }
}

@Test func `each alarm has an id of its own`() {
    let ids = (0..<1_000).map { _ in Alarm(.undo, reason: "").id }
    #expect(Set(ids).count == ids.count)
    #expect(ids.allSatisfy { $0.utf8.count == 32 && $0.allSatisfy(\.isHexDigit) })
}

@Test func `kinds have names of their own`() {
    #expect(Set(AlarmKind.allCases.map(\.name)).count == AlarmKind.allCases.count)
    #expect(AlarmKind.allCases.map(\.rawValue) == Array(0..<AlarmKind.allCases.count))
}

/// An alarm for a terminal.
struct `The sentence of an alarm` {
    private static func sentence(_ alarm: Alarm) -> String {
        String(decoding: alarm.sentence, as: UTF8.self)
    }

    @Test func `says what the JSON does, and nothing twice`() {
        let alarm = Alarm(
            .rolledBack, scorer: "cart_abandonment", rolloutID: 8, model: "abandonment@3",
            reason: "fallbacks: 12 entities: STALE profile.visits (12); log evidence 7.1",
            details: [
                .init("log_evidence", 7.241), .init("STALE profile.visits", 12),
                .init("typical_us", 1_900),
            ])
        #expect(
            Self.sentence(alarm)
                == "rolled back: abandonment@3, rollout 8 of cart_abandonment; fallbacks: 12 entities: "
                + "STALE profile.visits (12); log evidence 7.1 (typical_us 1900)")
    }

    @Test func `is about the store where it is about no scorer, and says when it is over`() {
        let alarm = Alarm(
            .storeMapUse, .cleared, reason: "The share of the map in use.",
            details: [.init("map_percent", 61.256)])
        #expect(
            Self.sentence(alarm)
                == "store map use (over): The share of the map in use. (map_percent 61.26)")
    }

    @Test func `speaks to no terminal and begins no line, however long it is`() {
        let alarm = Alarm(
            .frozen, scorer: "a\u{1B}[2J\nb\u{9B}", reason: String(repeating: "é\n", count: 5_000))
        #expect(alarm.sentence.count == AlarmLimits.encodedByteCountMax)
        #expect(alarm.sentence.allSatisfy { (32...126).contains($0) })
        #expect(Self.sentence(alarm).hasPrefix("frozen: a?[2J?b?; ??"))
    }
}
