// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

@Suite struct PlainReaderTests {
    private let file = """
        {"kassa_model": 1, "link": "logistic", "intercept": -2.5,
         "terms": [
           {"feature": "cart_value", "weight": 0.013, "missing": 0},
           {"feature": "visits", "edges": [2, 5], "points": [1.5, 0.25, -1], "missing": 0.1},
           {"feature": "city", "categories": {"Oslo": 0.7, "Rome": -0.2}, "other": 0.05, "missing": 9}
         ]}
        """

    @Test func `a scorecard adds up its terms`() throws {
        let model = try importModel(file, .plainJSON)
        #expect(model.summary.featureNames == ["cart_value", "visits", "city"])
        #expect(model.inputs[2].categories == ["Oslo", "Rome"])
        #expect(model.output.kind == .probability)
        let cases: [([Double], Double)] = [
            ([100, 1, 0], -2.5 + 0.013 * 100 + 1.5 + 0.7),
            ([0, 2, 1], -2.5 + 0 + 0.25 - 0.2),
            ([-1, 4.999, -1], -2.5 - 0.013 + 0.25 + 0.05),
            ([0, 5, 2], -2.5 + 0 - 1 + 0.05),
            ([.nan, .nan, .nan], -2.5 + 0 + 0.1 + 9),
        ]
        for (row, margin) in cases {
            let got = model.evaluate(row)
            #expect(got.margins == [margin])
            #expect(got.predictions[0].isFinite)
            let parts = model.contributions(ofRow: row)
            #expect(parts.count == 4)
            #expect(parts[3] == -2.5)
            #expect(abs(parts.reduce(0, +) - margin) < 1e-12)
        }
        #expect(model.evaluate([2.5 / 0.013, 3, 0].map { Float($0) }).predictions[0] > 0.7)
    }

    @Test(arguments: [
        ("\"kassa_model\": 1", "\"kassa_model\": 2", "kassa_model 2 is not supported"),
        ("\"link\"", "\"lnk\"", "the model: lnk is no key"),
        ("\"logistic\"", "\"probit\"", "the link probit is not supported"),
        (", \"intercept\": -2.5", "", "intercept: is missing"),
        ("\"weight\": 0.013", "\"wieght\": 0.013", "term 0: wieght is no key"),
        ("\"weight\": 0.013, ", "", "term 0: wants weight, or edges and points"),
        ("0.013, \"missing\": 0}", "0.013}", "term 0: missing is missing"),
        ("[2, 5]", "[5, 2]", "term 1: the edges do not ascend"),
        ("[2, 5]", "[2]", "term 1: 3 points for 1 edges: one more is needed"),
        ("\"visits\"", "\"city\"", "term 2: city has a term already"),
        ("\"other\": 0.05, ", "", "term 2: wants weight"),
        ("{\"Oslo\": 0.7, \"Rome\": -0.2}", "{}", "term 2: categories are empty"),
        ("\"Rome\"", "\"Oslo\"", "a key appears twice"),
        ("-2.5", "1e400", "the number is too large for a float64"),
    ])
    func `a slip of the pen is named`(_ old: String, _ new: String, _ problem: String) throws {
        let text = file.replacing(old, with: new)
        let message = try #require(refusal(Array(text.utf8), .plainJSON))
        #expect(message.contains(problem))
    }
}
