// SPDX-License-Identifier: Apache-2.0

import Models

/// Imports a model from an array or a text, of XGBoost's JSON unless said otherwise.
func importModel(
    _ bytes: [UInt8], _ format: ModelFormat = .xgboostJSON, layout: TreeLayout? = nil
) throws(ImportError) -> CompiledModel {
    try CompiledModel(importing: bytes.span, format: format, layout: layout)
}

func importModel(
    _ text: String, _ format: ModelFormat = .xgboostJSON, layout: TreeLayout? = nil
) throws(ImportError) -> CompiledModel {
    try importModel(Array(text.utf8), format, layout: layout)
}

extension CompiledModel {
    func margin(ofRow row: [Float]) -> Float {
        margin(of: row.span)
    }

    /// The margins and the predictions of a row.
    func evaluate(_ row: [Float]) -> (margins: [Double], predictions: [Double]) {
        var margins = [Double](repeating: .nan, count: marginCount)
        var predictions = [Double](repeating: .nan, count: output.count)
        var marginSpan = margins.mutableSpan
        var predictionSpan = predictions.mutableSpan
        evaluate(row: row.span, margins: &marginSpan, predictions: &predictionSpan)
        return (margins, predictions)
    }

    func evaluate(_ row: [Double]) -> (margins: [Double], predictions: [Double]) {
        var margins = [Double](repeating: .nan, count: marginCount)
        var predictions = [Double](repeating: .nan, count: output.count)
        var marginSpan = margins.mutableSpan
        var predictionSpan = predictions.mutableSpan
        evaluate(row: row.span, margins: &marginSpan, predictions: &predictionSpan)
        return (margins, predictions)
    }

    func predictions(ofRows rows: [[Float]]) -> [Double] {
        let flat = rows.flatMap { $0 }
        var predictions = [Double](repeating: .nan, count: rows.count * output.count)
        var span = predictions.mutableSpan
        evaluate(rows: flat.span, count: rows.count, into: &span)
        return predictions
    }

    func contributions(ofRow row: [Double]) -> [Double] {
        var contributions = [Double](repeating: .nan, count: contributionCount)
        var span = contributions.mutableSpan
        self.contributions(of: row.span, into: &span)
        return contributions
    }
}
