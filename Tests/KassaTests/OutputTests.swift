// SPDX-License-Identifier: Apache-2.0

import API
import Documents
import Testing
import Wire

@testable import kassa

/// What the commands print.
struct OutputTests {
    private let plan = KassaV1.ApplyResponse(
        plan: [
            KassaV1.PlanEntry(
                action: .add, kind: "feature_set", name: "cart@1",
                details: ["feature items added (int64)", "feature value added (float32)"]),
            KassaV1.PlanEntry(
                action: .change, kind: "scorer", name: "cart_abandonment",
                details: ["model of slot STABLE changes from a@1 to a@2"]),
            KassaV1.PlanEntry(action: .unchanged, kind: "feature_set", name: "customer@3"),
        ],
        epoch: 5)

    @Test func `a plan has a line per document and the step of the epoch`() {
        #expect(
            PlanText(response: plan, isDryRun: false).lines == [
                "+ feature_set cart@1",
                "    feature items added (int64)",
                "    feature value added (float32)",
                "~ scorer cart_abandonment",
                "    model of slot STABLE changes from a@1 to a@2",
                "= feature_set customer@3 unchanged",
                "epoch 4 → 5",
            ])
    }

    @Test func `a dry run says that nothing was changed`() {
        #expect(
            PlanText(response: plan, isDryRun: true).lines.last
                == "dry run: nothing was changed; epoch 5")
    }

    @Test func `a plan without a change says so`() {
        let response = KassaV1.ApplyResponse(
            plan: [
                KassaV1.PlanEntry(action: .unchanged, kind: "feature_set", name: "customer@3")
            ], epoch: 4)
        #expect(
            PlanText(response: response, isDryRun: false).lines == [
                "= feature_set customer@3 unchanged", "nothing to change; epoch 4",
            ])
        #expect(
            PlanText(response: response, isDryRun: false).tree.json()
                == #"{"plan":[{"action":"unchanged","kind":"feature_set","name":"customer@3","#
                + #""details":[],"warnings":[]}],"changed":false,"dry_run":false,"epoch":4}"#)
    }

    @Test func `columns stand under each other`() {
        var table = Table(["NAME", "COUNT", "OWNER"], rightAligned: [1])
        table.add(["a", "12345678", "growth"])
        table.add(["långt namn", "1", ""])
        #expect(
            table.lines == [
                "NAME           COUNT  OWNER",
                "a           12345678  growth",
                "långt namn         1",
            ])
    }

    @Test func `a score shows what computed it and what was degraded`() {
        let response = KassaV1.ScoreResponse(
            score: 0.53984, slot: .stable, model: "abandonment@1", epoch: 2,
            degraded: [
                KassaV1.FeatureNote(name: "cart.items", status: .defaulted),
                KassaV1.FeatureNote(name: "customer.orders", status: .noEntity),
                KassaV1.FeatureNote(name: "cart.value", status: .defaulted),
            ],
            oldestFeatureAgeMs: 3_450)
        #expect(
            ScoreText(scorer: "cart_abandonment", response: response).lines == [
                "cart_abandonment 0.5398",
                "  model           abandonment@1 (STABLE)",
                "  epoch           2",
                "  oldest feature  3.4 s",
                "  degraded        DEFAULTED (2): cart.items, cart.value",
                "                  NO_ENTITY (1): customer.orders",
            ])
    }

    @Test func `a long list of degraded features is wrapped`() {
        let notes = (0..<12).map {
            KassaV1.FeatureNote(name: "customer.feature_\($0)", status: .noEntity)
        }
        let lines = ScoreText(
            scorer: "x", response: KassaV1.ScoreResponse(degraded: notes)
        ).lines
        #expect(lines.count > 5)
        #expect(lines.allSatisfy { $0.count <= 100 })
    }

    @Test func `the features that a model saw stand in a table`() {
        let response = KassaV1.ScoreResponse(
            score: 0.5, slot: .stable, model: "a@1", epoch: 1,
            features: [
                KassaV1.FeatureValue(
                    name: "cart.value",
                    value: KassaV1.Value(kind: .number(Double(Float(84.9)))), status: .present,
                    ageMs: 12),
                KassaV1.FeatureValue(name: "customer.orders", status: .noEntity, ageMs: -1),
            ])
        #expect(
            Array(ScoreText(scorer: "x", response: response).lines.suffix(3)) == [
                "FEATURE          VALUE  STATUS       AGE",
                "cart.value        84.9  PRESENT    12 ms",
                "customer.orders      –  NO_ENTITY      –",
            ])
    }

    @Test func `a cell that was read is a value only where its status says so`() {
        var column = KassaV1.ReadColumn(
            name: "items", values: .integers(KassaV1.IntegerValues(values: [3])),
            statuses: [UInt8(KassaV1.Status.stale.rawValue)], agesMs: [7_200_000])
        #expect(ReadCell(column).value == KassaV1.Value(kind: .integer(3)))
        column.statuses = [UInt8(KassaV1.Status.expired.rawValue)]
        #expect(ReadCell(column).value == nil)
        // A reply that lacks what it should hold is no crash.
        column.statuses = []
        column.agesMs = []
        #expect(ReadCell(column).value == nil)
        #expect(ReadCell(column).ageMilliseconds == -1)
    }

    @Test(arguments: [
        (-1, "–"), (0, "0 ms"), (999, "999 ms"), (1_000, "1.0 s"), (59_999, "59.9 s"),
        (60_000, "1 min"), (3_600_000, "1 h"), (172_799_999, "47 h"), (172_800_000, "2 d"),
        (Int64.max, "106751991167 d"),
    ])
    func `an age is said in its unit`(milliseconds: Int64, text: String) {
        #expect(ValueText.age(milliseconds: milliseconds) == text)
    }

    @Test(arguments: [
        (84.9000015258789, "84.9"), (0.1, "0.1"), (3, "3"), (1e300, "1e+300"), (-0.5, "-0.5"),
        (Double.nan, "nan"), (.infinity, "inf"),
    ])
    func `a number is said as short as it can be`(number: Double, text: String) {
        #expect(ValueText.shortest(number) == text)
    }

    @Test func `a text cannot command the terminal`() {
        #expect(ValueText.printable("a\u{1B}[31mb\n") == "a\\u{1b}[31mb\\u{a}")
        // Turned round, broken into lines, and hidden.
        for scalar in [
            "\u{202E}", "\u{2066}", "\u{2028}", "\u{2029}", "\u{200B}", "\u{FEFF}", "\u{E0041}",
        ] {
            let digits = String(scalar.unicodeScalars.first!.value, radix: 16)
            #expect(ValueText.printable("a\(scalar)b") == "a\\u{\(digits)}b")
        }
        for shown in ["ü", "漢字", "שלום", "e\u{301}", "\u{1F600}", "→ –"] {
            #expect(ValueText.printable(shown) == shown)
        }
    }
}

@Test(arguments: [
    (0, "1970-01-01T00:00:00Z"), (951_782_399, "2000-02-28T23:59:59Z"),
    (951_782_400, "2000-02-29T00:00:00Z"), (1_709_251_199, "2024-02-29T23:59:59Z"),
    (1_735_689_600, "2025-01-01T00:00:00Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
])
func `a moment is told as date and time`(seconds: Int64, text: String) {
    #expect(utcText(microseconds: seconds * 1_000_000 + 999_999) == text)
}
