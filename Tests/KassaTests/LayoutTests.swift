// SPDX-License-Identifier: Apache-2.0

import API
import Documents
import Testing

@testable import kassa

/// What a person reads on 80 or 120 columns, and a program in one line.
struct `A table` {
    private static func history() -> Table {
        var table = Table(
            ["REVISION", "WHEN", "WHO", "VERB", "ROLLOUT", "PHASE", "WEIGHT", "WHY"],
            rightAligned: [0, 4, 6], titles: 4)
        table.add([
            "6", "2026-11-20T19:33:00Z", "", "canary", "8", "CANARY", "5%", "a new export",
        ])
        table.add([
            "7", "2026-11-20T19:33:00Z", "guard", "roll-back", "8", "ROLLED_BACK", "",
            "fallbacks: 12 of 40 entities of the candidate had a fallback, 0 of 93 of STABLE: "
                + "STALE profile.visits (12); log evidence 9.13, merged 7.24 reached 6.91",
        ])
        return table
    }

    @Test func `has one record in each line for a program, however long`() {
        let lines = Self.history().lines(columns: nil)
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("REVISION  WHEN"))
        #expect(lines[2].hasSuffix("reached 6.91"))
    }

    @Test func `is a block for each record on 80 columns`() {
        #expect(
            Self.history().lines(columns: 80) == [
                "revision 6  2026-11-20T19:33:00Z  canary",
                "  rollout  8",
                "  phase    CANARY",
                "  weight   5%",
                "  why      a new export",
                "",
                "revision 7  2026-11-20T19:33:00Z  guard  roll-back",
                "  rollout  8",
                "  phase    ROLLED_BACK",
                "  why      fallbacks: 12 of 40 entities of the candidate had a fallback, 0 of 93",
                "           of STABLE: STALE profile.visits (12); log evidence 9.13, merged 7.24",
                "           reached 6.91",
            ])
    }

    @Test func `breaks its last column on 120 columns, where there is room`() {
        let lines = Self.history().lines(columns: 120)
        #expect(lines.count > 3 && lines.allSatisfy { $0.count <= 120 })
        #expect(lines[0].hasSuffix("  WHY"))
        let start = lines[0].count - 3
        #expect(lines[3].prefix(start).allSatisfy { $0 == " " })
        #expect(!lines[3].dropFirst(start).isEmpty)
        #expect(lines.joined(separator: " ").contains("6.91"))
    }

    @Test func `leaves out columns that are empty throughout before it does anything else`() {
        var table = Table(["NAME", "WHERE", "WHAT"])
        table.add(["cart", "", "two"])
        #expect(table.lines(columns: 14) == ["NAME  WHAT", "cart  two"])
        #expect(table.lines(columns: 80) == ["NAME  WHERE  WHAT", "cart         two"])
    }

    @Test func `that fits is the same for everybody`() {
        var table = Table(["A", "B"], rightAligned: [1], indent: 2)
        table.add(["one", "1"])
        #expect(table.lines(columns: 8) == ["  A    B", "  one  1"])
        #expect(table.lines(columns: nil) == ["  A    B", "  one  1"])
        #expect(Table(["A"]).lines(columns: 80) == ["A"])
        #expect(Table().lines(columns: 80).isEmpty)
    }

    @Test func `leaves a word whole that is longer than the screen`() {
        var table = Table(["NAME", "DIGEST"])
        let digest = String(repeating: "f", count: 64)
        table.add(["cart", digest])
        #expect(table.lines(columns: 40) == ["name cart", "  digest  \(digest)"])
    }
}

/// Lines of sentences.
struct `What is printed` {
    @Test func `goes on indented where a line is too long`() {
        let line = "  log evidence by kind: errors -0.22, slo_misses -0.22"
        #expect(
            Screen.wrapped([line, "short"], columns: 40) == [
                "  log evidence by kind: errors -0.22,",
                "      slo_misses -0.22", "short",
            ])
        #expect(Screen.wrapped([line], columns: nil) == [line])
        #expect(Screen.wrapped([""], columns: 40) == [""])
    }

    @Test(arguments: [80, 120]) func `fits the screen, whatever a guard knows`(_ columns: Int) {
        let status = KassaV1.GuardStatus(
            verdict: "ROLLBACK", logEvidence: 7.24, logThreshold: 6.91, logFreeze: 3.4,
            components: ["errors", "slo_misses", "fallbacks", "decision_flips", "calibration"].map {
                KassaV1.GuardComponent(name: $0, weight: 0.2, logEvidence: -0.22)
            },
            counts: [
                KassaV1.GuardCount(name: "entities", stable: 12_345, candidate: 1_234),
                KassaV1.GuardCount(name: "fallbacks", stable: 1, candidate: 12),
            ],
            samples: [KassaV1.GuardSample(event: "fallbacks", entities: [0xA, .max, 3, 4, 5])],
            causes: [
                KassaV1.GuardCause(
                    event: "fallbacks", candidate: true, feature: "profile.visits", status: .stale,
                    entities: 12),
                KassaV1.GuardCause(
                    event: "fallbacks", feature: "cart.items", status: .null, entities: 1),
            ])
        let lines = Screen.wrapped(status.lines, columns: columns)
        #expect(lines.allSatisfy { $0.count <= columns })
        #expect(lines.contains("  fallbacks            1         12         -0.22"))
        #expect(lines.contains("  calibration" + String(repeating: " ", count: 31) + "-0.22"))
        #expect(lines.contains("  fallbacks of candidate: STALE profile.visits (12)"))
        #expect(lines.contains("  fallbacks of STABLE: NULL cart.items (1)"))
        #expect(status.lines.contains { $0.contains("000000000000000a ffffffffffffffff") })
        #expect(status.lines.contains { $0.hasSuffix(" and 1 more") })
        let json = status.tree.json()
        #expect(
            json.contains(
                #"{"event":"fallbacks","candidate":true,"feature":"profile.visits","#
                    + #""status":"STALE","entities":12}"#))
    }
}

/// A change in a sentence, as `status` and `--wait` give it.
struct `A change of slots` {
    @Test func `says who did what and why`() {
        let change = KassaV1.RolloutTransition(
            actor: "guard", reason: "fallbacks: STALE\u{1B} profile.visits", verb: "roll-back")
        #expect(!change.sentence.contains("\u{1B}"))
        #expect(change.sentence.hasPrefix("roll-back by guard: fallbacks: STALE"))
        #expect(KassaV1.RolloutTransition(verb: "canary").sentence == "canary")
    }
}
