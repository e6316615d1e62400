// SPDX-License-Identifier: Apache-2.0

import API
import Documents
import Testing
import Wire

@testable import kassa

/// What erase, drop, write and export print.
struct LifecycleOutputTests {
    private let receipt = ReceiptText(
        entity: "customer=c-7",
        response: KassaV1.EraseResponse(
            erased: [
                KassaV1.ErasedRows(featureSet: "affinity", rows: 12, historyRows: 0),
                KassaV1.ErasedRows(featureSet: "profile", rows: 1, historyRows: 40),
            ],
            erasedUntilUs: 1_500_000, receiptId: [0xAB, 0x01]))

    @Test func `a receipt has all counts, until when, and its id`() {
        #expect(
            receipt.lines == [
                "erased customer=c-7: 13 rows, 40 rows of history",
                "  FEATURE SET  ROWS  HISTORY",
                "  affinity       12        0",
                "  profile         1       40",
                "until    1970-01-01T00:00:01.5Z",
                "receipt  ab01",
            ])
        #expect(
            receipt.tree.json()
                == #"{"entity":"customer=c-7","rows":13,"history_rows":40,"erased":["#
                + #"{"feature_set":"affinity","rows":12,"history_rows":0},"#
                + #"{"feature_set":"profile","rows":1,"history_rows":40}],"#
                + #""erased_until_us":1500000,"receipt_id":"ab01"}"#)
    }

    @Test func `a receipt of nothing has no table`() {
        let nothing = ReceiptText(
            entity: "customer=c-8", response: KassaV1.EraseResponse(receiptId: [1]))
        #expect(nothing.lines.first == "erased customer=c-8: 0 rows, 0 rows of history")
        #expect(nothing.lines.count == 3)
    }

    @Test func `counts beyond any number do not trap`() {
        let rows = KassaV1.ErasedRows(featureSet: "a", rows: .max, historyRows: .max)
        let receipt = ReceiptText(
            entity: "c=1", response: KassaV1.EraseResponse(erased: [rows, rows]))
        #expect(receipt.lines.count == 6)
    }

    @Test func `a version that goes has a minus`() {
        let response = KassaV1.ApplyResponse(
            plan: [
                KassaV1.PlanEntry(
                    action: .remove, kind: "feature_set", name: "cart@1", details: ["2 columns"])
            ], epoch: 5)
        #expect(
            PlanText(response: response, isDryRun: false).lines
                == ["- feature_set cart@1", "    2 columns", "epoch 4 → 5"])
        #expect(
            PlanText(response: response, isDryRun: true).lines.last
                == "dry run: nothing was changed; epoch 5")
    }

    @Test func `a write says what became of the row`() {
        var response = KassaV1.WriteResponse(
            applied: 1, reached: .durable, featureSet: "cart@1", repeatedAnswer: true)
        var text: WriteText { WriteText(row: "session=s", valueCount: 2, response: response) }
        #expect(
            text.line == "wrote 2 values: cart@1 session=s, durable, the answer of the first time")
        response = KassaV1.WriteResponse(featureSet: "cart@1", ignoredErased: 1)
        #expect(
            text.line
                == "ignored as older than the erasure of the entity: cart@1 session=s, fast")
        response.ignoredErased = 0
        response.ignoredOlder = 1
        #expect(text.line == "ignored as older than what is stored: cart@1 session=s, fast")
        #expect(
            text.tree.json()
                == #"{"feature_set":"cart@1","applied":0,"ignored_older":1,"ignored_erased":0,"#
                + #""repeated_answer":false,"reached":"fast"}"#)
    }

    @Test func `an export prints counts that can be compared`() {
        let text = ExportText(
            labelCount: 3, rowCount: 3, statusCounts: [0, 4, 1, 0, 1, 0, 0, 0, 0], out: "r.csv")
        #expect(
            text.lines == [
                "joined 3 label rows, wrote 3 rows to r.csv",
                "values: 4 PRESENT, 1 NULL, 1 NO_FEATURE",
            ])
        #expect(
            text.tree.json()
                == #"{"label_rows":3,"rows":3,"values":{"PRESENT":4,"NULL":1,"NO_FEATURE":1}}"#)
    }

    @Test func `what cannot be undone asks for a reason, and one entity`() {
        func message(_ command: Command, _ words: String...) -> String? {
            do throws(CommandError) {
                try command.run(try Arguments(words, for: command))
                return nil
            } catch {
                #expect(error.exitCode == 2)
                return error.message
            }
        }
        #expect(message(eraseCommand, "-e", "customer=c-7") == "say why: --reason TEXT")
        #expect(
            message(eraseCommand, "-e", "customer=c-7", "-e", "session=s", "--reason", "x")
                == "one entity at a time, so that each has a receipt of its own")
        #expect(message(dropCommand, "cart@1") == "say why: --reason TEXT")
        for name in ["cart", "cart@", "cart@0", "cart@1@2", "cart@x"] {
            #expect(
                message(dropCommand, name, "--reason", "x")
                    == "name a version, such as cart@1, not \"\(name)\"")
        }
        #expect(
            message(readCommand, "cart", "-e", "session=s", "--as-of", "noon")
                == "--as-of must be \(TimeText.form), not \"noon\"")
        #expect(
            message(exportCommand, "cart", "--as-of", "t")
                == "name the file of labels: --labels labels.csv")
        #expect(
            message(exportCommand, "cart", "--labels", "l.csv", "--as-of", "t", "--json")
                == "--json prints the counts: it needs --out FILE for the rows")
    }
}
