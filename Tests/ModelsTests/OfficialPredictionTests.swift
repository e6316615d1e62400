// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

@Suite(
    .enabled(
        if: OfficialCase.isAvailable,
        "the official models are not here: set KASSA_SHARED_DATA to the folder that holds models/"))
struct OfficialPredictionTests {
    /// Bits are compared: the margin is a sum of the same numbers in the same order and precision.
    @Test(arguments: OfficialCase.xgboostBinary)
    func `every row scores as the official library scored it`(_ official: OfficialCase) throws {
        let model = try importModel(official.bytes("model.json"))
        let rows = try official.rows()
        let answers = try official.answers()
        try #require(rows.count == answers.count && rows.count >= 400)
        var marginUlps = 0
        var scoreUlps = 0
        for (row, answer) in zip(rows, answers) {
            try #require(row.count == model.summary.featureCount)
            let margin = model.margin(ofRow: row)
            let score = model.score(margin: margin)
            marginUlps = max(marginUlps, ulps(margin, answer.margin))
            scoreUlps = max(scoreUlps, ulps(score, answer.prediction))
            #expect(abs(margin - answer.margin) <= 1e-5 + 1e-5 * abs(answer.margin))
            #expect(abs(score - answer.prediction) <= 1e-6 + 1e-5 * abs(answer.prediction))
        }
        #expect(marginUlps == 0, "\(official): margins")
        #expect(scoreUlps == 0, "\(official): scores")
    }

    @Test func `the cases hold rows on a threshold and one ulp beside it`() throws {
        for official in OfficialCase.xgboostBinary where official.path.hasPrefix("generated") {
            #expect(try official.answers().contains { $0.kind.hasPrefix("edge") })
        }
    }

    @Test func `a model of several classes is refused by its objective`() throws {
        let bytes = try OfficialCase("generated/xgb_multiclass_softprob").bytes("model.json")
        #expect(throws: ImportError.unsupported("objective multi:softprob")) {
            try importModel(bytes)
        }
    }

    @Test func `the summary tells what the file holds`() throws {
        let bytes = try OfficialCase("generated/xgb_binary").bytes("model.json")
        let summary = try importModel(bytes).summary
        #expect(summary.objective == "binary:logistic")
        #expect(summary.treeCount == 40)
        #expect(summary.depth == 4)
        #expect(summary.featureCount == 17)
        #expect(summary.nodeCount == 2 * summary.leafCount - summary.treeCount)
    }

    private func ulps(_ one: Float, _ other: Float) -> Int {
        // Signed magnitude to a line on which neighbours differ by one.
        func place(_ value: Float) -> Int {
            let bits = Int(value.bitPattern & 0x7FFF_FFFF)
            return value.sign == .minus ? -bits : bits
        }
        return abs(place(one) - place(other))
    }
}
