// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

@Suite(
    .enabled(
        if: OfficialCase.isSharedDataHere,
        "the official models are not here: set KASSA_SHARED_DATA to the folder that holds models/"))
struct OfficialPredictionTests {
    @Test func `the cases are here`() {
        #expect(OfficialCase.sharedCases.count == 17)
    }

    @Test(arguments: OfficialCase.sharedCases)
    func `every row scores as the official library scored it`(_ official: OfficialCase) throws {
        for file in official.files { try expectOfficialAnswers(official, file) }
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
