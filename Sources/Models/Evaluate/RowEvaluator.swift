// SPDX-License-Identifier: Apache-2.0

/// What computes a row's margins and predictions: one class per kind of model.
///
/// Immutable, so any number of threads may call one at once. Nothing here allocates. Rows are long
/// enough and results too: `CompiledModel` saw to it.
protocol RowEvaluator: AnyObject, Sendable {
    var marginCount: Int { get }
    var predictionCount: Int { get }
    /// Whether values are compared or added in float64.
    var comparesDoubles: Bool { get }
    /// Whether `contributions` has an answer.
    var hasContributions: Bool { get }

    func margins(of row: Span<Float>, into margins: inout MutableSpan<Double>)
    func margins(of row: Span<Double>, into margins: inout MutableSpan<Double>)
    func predict(_ margins: Span<Double>, into predictions: inout MutableSpan<Double>)
    /// One value per feature and last the expectation, for each margin in turn.
    func contributions(of row: Span<Double>, into contributions: inout MutableSpan<Double>)
}
