// SPDX-License-Identifier: Apache-2.0

import API
import Documents
import Testing

struct `Outcomes in documents and files` {
    private func scorer(_ outcomes: String) throws -> KassaV1.ScorerSpec? {
        let text = "kind: scorer\nname: a\nmodel: m@1\noutcomes: \(outcomes)\n"
        let documents = try DocumentFile.resources(in: Array(text.utf8).span)
        guard case .scorer(let spec)? = documents.first?.resource else { return nil }
        return spec
    }

    @Test func `a scorer says when outcomes count, and is printed as it was read`() throws {
        let spec = try #require(try scorer("{maturity: 45m, horizon: 2d, absent: negative}"))
        #expect(
            spec.outcomes
                == KassaV1.OutcomeSpec(
                    maturityMs: 2_700_000, horizonMs: 172_800_000, absent: .absentNegative))
        let printed = DocumentFile.yaml([KassaV1.Document(resource: .scorer(spec))])
        let again = try DocumentFile.resources(in: Array(printed.utf8).span)
        #expect(again.first?.resource == .scorer(spec))
    }

    @Test func `what is left out is the default`() throws {
        #expect(try scorer("{absent: ignore}")?.outcomes == KassaV1.OutcomeSpec())
    }

    @Test(arguments: ["{maturity: soon}", "{absent: maybe}", "{horizont: 2d}", "30m"])
    func `what says nothing is refused`(outcomes: String) {
        #expect(throws: DocumentError.self) { try scorer(outcomes) }
    }

    @Test func `a file has an outcome a line, with the line's number`() throws {
        let text = """
            {"score_id": "ab", "label": true, "at": "2026-11-20T12:00:00Z"}

            {"label": 0, "score_id": "cd"}
            """
        let lines = try OutcomeFile.lines(in: Array(text.utf8).span)
        #expect(lines.map(\.number) == [1, 3])
        #expect(lines.map(\.scoreID) == ["ab", "cd"])
        #expect(lines.map(\.label) == [true, false])
        #expect(lines.map(\.at) == ["2026-11-20T12:00:00Z", ""])
    }

    @Test(arguments: [
        #"{"score_id": "ab"}"#, #"{"label": true}"#, #"{"score_id": "ab", "label": "yes"}"#,
        #"{"score_id": "ab", "label": null}"#, #"{"score_id": "ab", "label": true, "when": 1}"#,
        "[]", "ab",
    ])
    func `a line that is no outcome is refused with its place`(line: String) {
        let text = "\n\(line)\n"
        #expect {
            try OutcomeFile.lines(in: Array(text.utf8).span)
        } throws: { error in
            (error as? DocumentError)?.position.line == 2
        }
    }
}
