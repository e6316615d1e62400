// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

/// Each evaluated objective, pruned and leaf-wise trees, trained and answered by three versions.
@Suite struct FixturePredictionTests {
    @Test func `the fixtures are here`() {
        #expect(OfficialCase.evaluatedFixtures.count == 39)
        #expect(OfficialCase.refusedFixtures.count == 21)
    }

    @Test(arguments: OfficialCase.evaluatedFixtures)
    func `every row scores as the library that trained the model scored it`(
        _ official: OfficialCase
    ) throws {
        #expect(try official.answers().contains { $0.kind == "edge" })
        try expectOfficialAnswers(official)
    }

    @Test(arguments: OfficialCase.refusedFixtures)
    func `a model of another kind is refused by what it is`(_ official: OfficialCase) throws {
        let reasons = [
            "dart": "booster dart", "gblinear": "booster gblinear",
            "forest": "a boosted forest (num_parallel_tree 3)", "hinge": "objective binary:hinge",
            "softmax": "objective multi:softmax", "rank": "objective rank:pairwise",
            "categorical": "the categorical split in tree 0 node ",
        ]
        let kind = String(try #require(official.path.split(separator: "_").first))
        let message = try #require(refusal(official.bytes("model.json")))
        let reason = try #require(reasons[kind])
        #expect(message.hasPrefix(reason))
        #expect(message.hasSuffix("is not supported"))
    }
}
