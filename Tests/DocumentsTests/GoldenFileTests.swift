// SPDX-License-Identifier: Apache-2.0

import API
import Documents
import Testing

struct `A file of golden rows` {
    private func rows(_ text: String) throws(DocumentError) -> [KassaV1.GoldenRow] {
        try GoldenFile.rows(in: Array(text.utf8).span)
    }

    private func value(_ kind: KassaV1.Value.Kind) -> KassaV1.Value { KassaV1.Value(kind: kind) }

    @Test func `has inputs by name, each typed as it is written`() throws {
        let row = try #require(
            try rows(
                """
                {"values":{"items":3,"value":84.9,"step":"3","member":true,"city":"S\\u00e3o",\
                "last":null,"taste":[0.5,-1]},"score":0.25}
                """
            ).first)
        let expected: [(String, KassaV1.Value.Kind)] = [
            ("items", .integer(3)), ("value", .number(84.9)), ("step", .text("3")),
            ("member", .flag(true)), ("city", .text("São")), ("last", .null(KassaV1.NullValue())),
            ("taste", .vector(KassaV1.FloatVector(values: [0.5, -1]))),
        ]
        #expect(
            row.values == expected.map { KassaV1.NamedValue(name: $0.0, value: value($0.1)) })
        #expect(row.score == 0.25)
        #expect(row.margin == nil)
        #expect(row.row.isEmpty)
    }

    @Test func `has whole rows, empty lines and no last line end`() throws {
        let rows = try rows(
            """
            {"row": [1, null, -2.5], "margin": 1e-3, "tolerance": 0.01}

            \r
            {"row": [0], "score": 1}
            """)
        #expect(rows.count == 2)
        #expect(rows[0].row.map { $0.isNaN ? "missing" : "\($0)" } == ["1.0", "missing", "-2.5"])
        #expect(rows[0].margin == 1e-3)
        #expect(rows[0].tolerance == 0.01)
        #expect(rows[0].score == nil)
        #expect(try self.rows("").isEmpty)
    }

    @Test(arguments: [
        ("{\"row\": [1], \"scor\": 1}", "f:2:14: unknown key \"scor\"; did you mean \"score\"?"),
        ("{\"row\": [1, \"a\"], \"score\": 1}", "f:2:13: row: expected a finite number"),
        ("{\"row\": 1}", "f:2:9: row: expected a list"),
        ("{\"values\": [1]}", "f:2:12: values: expected a mapping"),
        ("{\"values\": {\"a\": {}}}", "f:2:18: values: expected a list of finite numbers"),
        ("{\"row\": [1], \"score\": null}", "f:2:23: score: expected a finite number"),
        ("{\"row\": [1], \"score\": \"1\"}", "f:2:23: score: expected a finite number"),
        ("[1]", "f:2:1: row: expected a mapping"),
    ])
    func `says in which line it is wrong`(line: String, expected: String) {
        do throws(DocumentError) {
            _ = try rows("{\"row\": [1], \"score\": 1}\n\(line)\n")
            Issue.record("accepted")
        } catch {
            #expect(error.description(file: "f") == expected)
        }
    }
}

struct `A file of histograms` {
    @Test func `has those of places in the row and that of the score`() throws {
        let text = """
            {"input": 2, "n": 9, "edges": [0, 1, 5], "counts": [4, 3], "missing": 1, "out_of_range": 1}
            {"input": 1, "n": 6, "categories": ["1", "b"], "category_counts": [2, 1], "other": 2, "unseen": 1}
            {"input": "score", "n": 2, "edges": [0, 1], "counts": [2]}
            """
        let (inputs, score) = try GoldenFile.histograms(in: Array(text.utf8).span)
        #expect(
            inputs == [
                KassaV1.ReferenceHistogram(
                    input: 2, n: 9, edges: [0, 1, 5], counts: [4, 3], missing: 1, outOfRange: 1),
                KassaV1.ReferenceHistogram(
                    input: 1, n: 6, categories: ["1", "b"], categoryCounts: [2, 1], other: 2,
                    unseen: 1),
            ])
        #expect(score == KassaV1.ReferenceHistogram(n: 2, edges: [0, 1], counts: [2]))
    }

    @Test(arguments: [
        "{\"input\": \"a\", \"n\": 1}", "{\"input\": -1, \"n\": 1}", "{\"n\": 1}", "{\"input\": 0}",
        "{\"input\": 0, \"n\": 1.5}", "{\"input\": 0, \"n\": 1, \"counts\": [-1]}",
        "{\"input\": 0, \"n\": 1, \"edges\": [a]}", "{\"input\": 0, \"n\": 1, \"bins\": []}",
    ])
    func `is refused where it is none`(line: String) {
        let bytes = Array(line.utf8)
        #expect(throws: DocumentError.self) { try GoldenFile.histograms(in: bytes.span) }
    }
}

struct `A model's bundle` {
    private static let text = """
        kind: model
        name: abandonment
        format: onnx
        artefact: model.onnx
        golden: rows/golden.jsonl
        histograms: /srv/histograms.jsonl
        training_run_id: run 7
        output:
          kind: probability
          index: 1
          calibration: {isotonic: {x: [0, 0.5, 1], y: [0, 0.25, 1]}}
        inputs:
          - {feature: cart@1.items, default: 1}
          - {feature: cart@1.visitor_type, categories: [a, b], codes: [0.5, -1], other_code: 0.25}

        """

    @Test func `becomes the spec`() throws {
        let document = try model(Self.text)
        let spec = document.spec
        #expect(spec.trainingRunId == "run 7")
        #expect(spec.output?.kind == .outputProbability)
        #expect(spec.output?.index == 1)
        #expect(
            spec.output?.calibration?.method
                == .isotonic(KassaV1.IsotonicCalibration(x: [0, 0.5, 1], y: [0, 0.25, 1])))
        #expect(spec.inputs[0].default == KassaV1.Value(kind: .integer(1)))
        #expect(spec.inputs[1].codes == [0.5, -1])
        #expect(spec.inputs[1].otherCode == 0.25)
        #expect(document.golden == "rows/golden.jsonl")
        #expect(document.histograms == "/srv/histograms.jsonl")
        #expect(ModelDocument.path(document.golden, besides: "a/m.yaml") == "a/rows/golden.jsonl")
        #expect(ModelDocument.path(document.histograms, besides: "a/m.yaml") == document.histograms)
    }

    @Test func `is printed with the keys of its file`() throws {
        let platt = Self.text.replacing(
            "{isotonic: {x: [0, 0.5, 1], y: [0, 0.25, 1]}}", with: "{platt: {a: -1.5, b: 0.25}}")
        for text in [Self.text, platt] {
            let spec = try model(text).spec
            // What names files in place of what is in them.
            let printed =
                spec.tree.yaml() + "artefact: model.onnx\n"
            #expect(try model(printed).spec == spec)
        }
    }

    @Test(arguments: [
        ("kind: probability", "kind: log_odds", "9:9"), ("index: 1", "index: -1", "10:10"),
        ("{isotonic: {x: [0, 0.5, 1], y: [0, 0.25, 1]}}", "{}", "11:16"),
        ("{isotonic: {x: [0, 0.5, 1], y: [0, 0.25, 1]}}", "{platt: {a: 1}}", "11:24"),
        ("x: [0, 0.5, 1]", "x: [0, half, 1]", "11:31"), ("codes: [0.5, -1]", "codes: 1", "14:63"),
        ("other_code: 0.25", "other_code: x", "14:86"), ("rows/golden.jsonl", "\"\"", "5:9"),
        ("/srv/histograms.jsonl", "\"a\\0\"", "6:13"),
    ])
    func `says where it is wrong`(part: String, replacement: String, place: String) {
        do throws(DocumentError) {
            _ = try model(Self.text.replacing(part, with: replacement))
            Issue.record("accepted")
        } catch {
            let position = "\(error.position.line):\(error.position.column)"
            #expect(position == place)
        }
    }
}
