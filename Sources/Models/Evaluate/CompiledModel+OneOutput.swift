// SPDX-License-Identifier: Apache-2.0

/// For callers that know their model to have one margin and one prediction.
extension CompiledModel {
    /// The margin of `row`, base margin included; of several margins the first.
    package func margin(of row: Span<Float>) -> Float {
        Float(marginCount == 1 ? only(row) : first(row))
    }

    /// The margin of a float64 row, base margin included; of several margins the first.
    package func margin(of row: Span<Double>) -> Double {
        // Apart from each other, because a local array is cleared.
        marginCount == 1 ? only(row) : first(row)
    }

    /// The score of a margin: a probability for a logistic objective.
    ///
    /// NaN unless the model has one margin and one prediction.
    package func score(margin: Float) -> Float {
        guard marginCount == 1, output.count == 1 else { return .nan }
        let margins = [1 of Double](repeating: Double(margin))
        var storage = [1 of Double](repeating: 0)
        var predictions = storage.mutableSpan
        evaluator.predict(margins.span, into: &predictions)
        return Float(predictions[0])
    }

    @inline(never)
    private func first(_ row: Span<Float>) -> Double {
        var storage = [1_000 of Double](repeating: 0)
        var margins = storage.mutableSpan
        self.margins(of: row, into: &margins)
        return margins[0]
    }

    private func only(_ row: Span<Float>) -> Double {
        var storage = [1 of Double](repeating: 0)
        var margins = storage.mutableSpan
        self.margins(of: row, into: &margins)
        return margins[0]
    }

    @inline(never)
    private func first(_ row: Span<Double>) -> Double {
        var storage = [1_000 of Double](repeating: 0)
        var margins = storage.mutableSpan
        self.margins(of: row, into: &margins)
        return margins[0]
    }

    private func only(_ row: Span<Double>) -> Double {
        var storage = [1 of Double](repeating: 0)
        var margins = storage.mutableSpan
        self.margins(of: row, into: &margins)
        return margins[0]
    }
}
