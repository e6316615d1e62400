// SPDX-License-Identifier: Apache-2.0

extension CompiledModel {
    /// Whether `contributions` has an answer: trees need their training rows' counts or weights.
    package var hasContributions: Bool { evaluator.hasContributions }

    /// Numbers that `contributions` gives: for each margin one per feature and the expectation.
    package var contributionCount: Int { marginCount * (summary.featureCount + 1) }

    /// What each feature adds to each margin of `row`, as the official library's `pred_contribs`.
    ///
    /// For each margin in turn: one number per feature in the model's order, then the expectation
    /// (the mean margin over the training rows; a linear model's intercept). They sum to the margin.
    /// Traps unless `hasContributions`.
    ///
    /// - Complexity: O(nodes x features on the longest way); allocates nothing.
    package func contributions(of row: Span<Double>, into contributions: inout MutableSpan<Double>)
    {
        precondition(hasContributions)
        precondition(row.count >= summary.featureCount)
        precondition(contributions.count >= contributionCount)
        evaluator.contributions(of: row, into: &contributions)
    }

    /// As for a row of float64.
    package func contributions(of row: Span<Float>, into contributions: inout MutableSpan<Double>) {
        precondition(row.count >= summary.featureCount)
        // As many as a model may have features: `ImportLimits.featuresMax`.
        var doubles = [4_096 of Double](repeating: 0)
        for index in 0..<summary.featureCount { doubles[index] = Double(row[index]) }
        self.contributions(of: doubles.span, into: &contributions)
    }
}
