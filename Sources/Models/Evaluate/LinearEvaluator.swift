// SPDX-License-Identifier: Apache-2.0

/// Sums with one term per feature, added in the order of the features.
final class LinearEvaluator: RowEvaluator {
    private let model: LinearModel

    init(_ model: LinearModel) throws(ImportError) {
        try model.verify()
        self.model = model
    }

    var marginCount: Int { model.baseMargins.count }
    var predictionCount: Int { model.link.predictionCount(margins: marginCount) }
    var comparesDoubles: Bool { model.arithmetic == .double }
    var hasContributions: Bool { true }

    func margins(of row: Span<Float>, into margins: inout MutableSpan<Double>) {
        for output in model.baseMargins.indices {
            guard model.arithmetic == .single else {
                var total = model.baseMargins[output]
                for feature in 0..<model.featureCount {
                    total += model.terms[output][feature].contribution(of: Double(row[feature]))
                }
                margins[output] = total
                continue
            }
            margins[output] = sum32(output) { row[$0] }
        }
    }

    func margins(of row: Span<Double>, into margins: inout MutableSpan<Double>) {
        for output in model.baseMargins.indices {
            guard model.arithmetic == .single else {
                var total = model.baseMargins[output]
                for feature in 0..<model.featureCount {
                    total += model.terms[output][feature].contribution(of: row[feature])
                }
                margins[output] = total
                continue
            }
            margins[output] = sum32(output) { Float(row[$0]) }
        }
    }

    func predict(_ margins: Span<Double>, into predictions: inout MutableSpan<Double>) {
        model.link.predict(margins, model.arithmetic, into: &predictions)
    }

    func contributions(of row: Span<Double>, into contributions: inout MutableSpan<Double>) {
        let width = model.featureCount + 1
        for output in model.baseMargins.indices {
            for feature in 0..<model.featureCount {
                contributions[output * width + feature] =
                    model.terms[output][feature].contribution(of: row[feature])
            }
            contributions[output * width + model.featureCount] = model.baseMargins[output]
        }
    }

    /// XGBoost's gblinear: float32, a missing value is passed over.
    @inline(__always)
    private func sum32(_ output: Int, _ value: (Int) -> Float) -> Double {
        var total = Float(model.baseMargins[output])
        for feature in 0..<model.featureCount {
            guard case .weight(let weight, _) = model.terms[output][feature] else { continue }
            let value = value(feature)
            if !value.isNaN { total += value * Float(weight) }
        }
        return Double(total)
    }
}
