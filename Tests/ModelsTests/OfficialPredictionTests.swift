// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

@Suite(
    .enabled(
        if: OfficialCase.isSharedDataHere,
        "the official models are not here: set KASSA_SHARED_DATA to the folder that holds models/"))
struct OfficialPredictionTests {
    @Test(arguments: OfficialCase.sharedXGBoost)
    func `every row scores as the official library scored it`(_ official: OfficialCase) throws {
        #expect(try official.rows().count >= 400)
        try expectOfficialAnswers(official)
    }

    @Test func `the cases hold rows on a threshold and one ulp beside it`() throws {
        for official in OfficialCase.sharedXGBoost where official.path.hasPrefix("generated") {
            #expect(try official.answers().contains { $0.kind.hasPrefix("edge") })
        }
    }

    @Test func `a model of several classes is refused by its objective`() throws {
        let bytes = try OfficialCase.shared("generated/xgb_multiclass_softprob").bytes("model.json")
        #expect(throws: ImportError.unsupported("objective multi:softprob")) {
            try importModel(bytes)
        }
    }

    @Test func `the summary tells what the file holds`() throws {
        let bytes = try OfficialCase.shared("generated/xgb_binary").bytes("model.json")
        let summary = try importModel(bytes).summary
        #expect(summary.objective == "binary:logistic")
        #expect(summary.treeCount == 40)
        #expect(summary.depth == 4)
        #expect(summary.featureCount == 17)
        #expect(summary.nodeCount == 2 * summary.leafCount - summary.treeCount)
    }
}
