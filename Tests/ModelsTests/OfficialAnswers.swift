// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

/// Expects the official margins and predictions of every row, alone and in a batch.
///
/// XGBoost's are expected to the bit: a margin is a sum of the same float32 numbers in the same
/// order, a prediction the same operations on it. LightGBM's margins too, in float64; its
/// predictions pass through the C library's `exp`, which may differ in the last place.
func expectOfficialAnswers(_ official: OfficialCase, _ file: ModelFile) throws {
    let model = try importModel(official.bytes(file.name), file.format)
    let rows = try official.rows(model)
    let answers = try official.answers()
    try #require(rows.count == answers.count && !rows.isEmpty)
    #expect(model.rowMicroseconds > 0)
    var worst = Worst()
    for (row, answer) in zip(rows, answers) {
        try #require(row.count == model.summary.featureCount)
        try #require(model.output.count == answer.predictions.count)
        let wide = model.evaluate(row)
        let narrow = row.map { Float($0) }
        let isSingle = row.allSatisfy { $0.isNaN || Double(Float($0)) == $0 }
        let (margins, predictions) = isSingle ? model.evaluate(narrow) : wide
        worst.add(predictions, answer.predictions, file.format, isMargin: false)
        if !answer.margins.isEmpty {
            try #require(margins.count == answer.margins.count)
            worst.add(margins, answer.margins, file.format, isMargin: true)
        }
        #expect(wide.margins == margins)
        #expect(wide.predictions == predictions)
    }
    #expect(worst.margin <= 1, "\(official): largest difference of a margin: \(worst)")
    #expect(worst.prediction <= 1, "\(official): largest difference of a prediction: \(worst)")
    let narrow = rows.map { $0.map { Float($0) } }
    let batch = model.predictions(ofRows: narrow)
    let single = narrow.flatMap { model.evaluate($0).predictions }
    #expect(batch == single)
}

/// The largest differences, in parts of what is allowed.
private struct Worst: CustomStringConvertible {
    var margin = 0.0
    var prediction = 0.0
    var absolute = 0.0

    mutating func add(
        _ got: [Double], _ expected: [Double], _ format: ModelFormat, isMargin: Bool
    ) {
        for (got, written) in zip(got, expected) {
            let isSingle = format == .xgboostJSON || format == .xgboostUBJ
            let expected = isSingle ? Double(Float(written)) : written
            let difference = got == expected ? 0 : abs(got - expected)
            let allowed =
                switch format {
                case .xgboostJSON, .xgboostUBJ, .plainJSON: 0.0
                // The tolerance of the shared cases: ONNX Runtime sums in another order.
                case .onnx: 1e-5 + 1e-5 * abs(expected)
                // Two ulps of what the C library's functions may differ in.
                case .lightGBMText: isMargin ? 0 : 4e-16 * max(abs(expected), 1e-300)
                }
            let parts = difference == 0 ? 0 : difference / allowed
            absolute = max(absolute, difference)
            if isMargin {
                margin = max(margin, parts.isNaN ? .infinity : parts)
            } else {
                prediction = max(prediction, parts.isNaN ? .infinity : parts)
            }
        }
    }

    var description: String { "\(absolute)" }
}
