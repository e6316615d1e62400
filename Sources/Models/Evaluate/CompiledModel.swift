// SPDX-License-Identifier: Apache-2.0

internal import Base

/// A verified model laid out for scoring one row at a time.
///
/// Immutable, so any number of loops may use one at once. Evaluation takes no lock, allocates
/// nothing and gives what the official library gives: XGBoost's float32 sums to the bit, LightGBM's
/// float64 ones likewise, ONNX within float32 rounding.
///
/// ```swift
/// let model = try CompiledModel(importing: bytes, format: .xgboostJSON)
/// model.evaluate(row: row.span, margins: &margins, predictions: &predictions)
/// let score = predictions[model.output.scoreIndex]
/// ```
package final class CompiledModel: Sendable {
    /// What the model is, for people.
    package let summary: ModelSummary
    /// The values of a row, in order.
    package let inputs: [ModelInput]
    /// What a prediction is.
    package let output: ModelOutput
    /// What one row took when the model was imported, in microseconds: the median of several rows.
    package let rowMicroseconds: Double
    /// How the trees lie in memory; nil for a model of another kind.
    package var layout: TreeLayout? { (evaluator as? ForestEvaluator)?.layout }
    let evaluator: any RowEvaluator

    /// Whether a row's float64 values make a difference: LightGBM's and hand-written models' do.
    package let comparesDoubles: Bool

    init(_ model: ImportedModel, layout: TreeLayout? = nil) throws(ImportError) {
        switch model {
        case .trees(let ensemble):
            let forest = try ForestEvaluator.fastest(ensemble, layout: layout)
            evaluator = forest
            summary = ModelSummary(ensemble, forest)
            inputs = Self.inputs(
                ensemble.featureCount, ensemble.featureNames, ensemble.featureCategories)
            output = ModelOutput(ensemble.link, margins: forest.marginCount)
        case .linear(let linear):
            let evaluator = try LinearEvaluator(linear)
            self.evaluator = evaluator
            summary = ModelSummary(linear)
            inputs = Self.inputs(
                linear.featureCount, linear.featureNames, linear.featureCategories)
            output = ModelOutput(linear.link, margins: evaluator.marginCount)
        case .graph(let graph):
            let evaluator = try GraphEvaluator(graph)
            self.evaluator = evaluator
            summary = ModelSummary(graph)
            inputs = graph.inputs
            output = graph.output
        }
        comparesDoubles = evaluator.comparesDoubles
        rowMicroseconds = Self.measure(evaluator, featureCount: summary.featureCount)
    }

    /// Margins of a row: one, or one per class or target.
    package var marginCount: Int { evaluator.marginCount }

    /// The margins and the official predictions for `row`.
    ///
    /// - Parameters:
    ///   - row: at least `summary.featureCount` values in the model's order; NaN is missing.
    ///   - margins: gets `marginCount` sums; those of a float32 model are float32 numbers.
    ///   - predictions: gets `output.count` numbers.
    /// - Complexity: O(trees x depth); allocates nothing.
    package func evaluate(
        row: Span<Float>, margins: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Double>
    ) {
        self.margins(of: row, into: &margins)
        precondition(predictions.count >= output.count)
        evaluator.predict(
            margins.span.extracting(first: evaluator.marginCount), into: &predictions)
    }

    /// As for a row of float32; LightGBM's thresholds are then compared in float64.
    package func evaluate(
        row: Span<Double>, margins: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Double>
    ) {
        self.margins(of: row, into: &margins)
        precondition(predictions.count >= output.count)
        evaluator.predict(
            margins.span.extracting(first: evaluator.marginCount), into: &predictions)
    }

    /// The predictions of many rows, each as if it were alone.
    ///
    /// - Parameters:
    ///   - rows: `count` rows of `summary.featureCount` values, one after the other.
    ///   - predictions: gets `count x output.count` numbers.
    package func evaluate(
        rows: Span<Float>, count: Int, into predictions: inout MutableSpan<Double>
    ) {
        let width = summary.featureCount
        precondition(count >= 0)
        precondition(count <= rows.count / width)
        precondition(count <= predictions.count / output.count)
        var storage = [1_000 of Double](repeating: 0)
        for index in 0..<count {
            var margins = storage.mutableSpan
            let row = rows.extracting(index * width..<(index + 1) * width)
            evaluator.margins(of: row, into: &margins)
            var results = predictions._mutatingExtracting(
                index * output.count..<(index + 1) * output.count)
            evaluator.predict(
                margins.span.extracting(first: evaluator.marginCount), into: &results)
        }
    }

    /// The margins of a row alone.
    package func margins(of row: Span<Float>, into margins: inout MutableSpan<Double>) {
        precondition(row.count >= summary.featureCount)
        precondition(margins.count >= evaluator.marginCount)
        evaluator.margins(of: row, into: &margins)
    }

    /// The margins of a float64 row alone.
    package func margins(of row: Span<Double>, into margins: inout MutableSpan<Double>) {
        precondition(row.count >= summary.featureCount)
        precondition(margins.count >= evaluator.marginCount)
        evaluator.margins(of: row, into: &margins)
    }
}
