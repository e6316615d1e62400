// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

/// Each objective and kind of model, trained and answered by the official libraries.
@Suite struct FixturePredictionTests {
    @Test func `the fixtures are here`() {
        #expect(OfficialCase.evaluatedFixtures.count == 144)
        #expect(OfficialCase.refusedFixtures.count == 5)
    }

    @Test(arguments: OfficialCase.evaluatedFixtures)
    func `every row scores as the library that trained the model scored it`(
        _ official: OfficialCase
    ) throws {
        #expect(!official.files.isEmpty)
        for file in official.files { try expectOfficialAnswers(official, file) }
    }

    @Test(arguments: OfficialCase.evaluatedFixtures)
    func `contributions are those of the library and sum to the margin`(
        _ official: OfficialCase
    ) throws {
        guard let expected = try official.contributions(), let file = official.files.first else {
            return
        }
        let model = try importModel(official.bytes(file.name), file.format)
        #expect(model.hasContributions)
        for (row, official) in zip(try official.rows(model), expected) {
            let got = model.contributions(ofRow: row)
            try #require(got.count == official.count)
            for (got, official) in zip(got, official) {
                #expect(abs(got - official) <= 2e-5 * max(1, abs(official)))
            }
            let width = model.summary.featureCount + 1
            for (index, margin) in model.evaluate(row).margins.enumerated() {
                let sum = got[index * width..<(index + 1) * width].reduce(0, +)
                #expect(abs(sum - margin) <= 1e-5 * max(1, abs(margin)))
            }
        }
    }

    @Test(arguments: OfficialCase.refusedFixtures)
    func `a model of another kind is refused by what it is`(_ official: OfficialCase) throws {
        let reasons = [
            "onnx_svm": "operator ai.onnx.ml.SVMClassifier",
            "lgb_linear": "a linear tree (tree 0)",
            "vectorleaves": "a leaf vector (tree 0)",
            // XGBoost 3.2 starts every class from the first value, 3.1's documents say otherwise.
            "gblinearclasses": "a gblinear with a base_score per output",
        ]
        let kind =
            official.path.hasPrefix("lgb_") || official.path.hasPrefix("onnx_")
            ? official.path : String(try #require(official.path.split(separator: "_").first))
        let file = try #require(official.files.first)
        let message = try #require(refusal(official.bytes(file.name), file.format))
        #expect(message == "\(try #require(reasons[kind])) is not supported")
    }
}
