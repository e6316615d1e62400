// SPDX-License-Identifier: Apache-2.0

internal import Base

extension CompiledModel {
    /// Rows that the cost is measured with.
    private static let measuredRows = 32

    static func inputs(
        _ count: Int, _ names: [String], _ categories: [Int: [String]] = [:]
    ) -> [ModelInput] {
        (0..<count).map {
            ModelInput(name: names.isEmpty ? "" : names[$0], categories: categories[$0] ?? [])
        }
    }

    /// The median time of a row of random values, after one that warms the caches.
    static func measure(_ evaluator: any RowEvaluator, featureCount: Int) -> Double {
        var generator = SeededGenerator(seed: 1)
        var margins = [Double](repeating: 0, count: evaluator.marginCount)
        var predictions = [Double](repeating: 0, count: evaluator.predictionCount)
        var times: [UInt64] = []
        for _ in 0...measuredRows {
            let row = (0..<featureCount).map { _ in
                Float.random(in: -1...1, using: &generator)
                    * [0.01, 1, 100, 10_000].randomElement(using: &generator)!
            }
            let start = MonotonicTime.now()
            var marginSpan = margins.mutableSpan
            evaluator.margins(of: row.span, into: &marginSpan)
            var predictionSpan = predictions.mutableSpan
            evaluator.predict(margins.span, into: &predictionSpan)
            times.append(MonotonicTime.now().nanoseconds(since: start))
        }
        times.removeFirst()
        times.sort()
        return Double(times[times.count / 2]) / 1_000
    }
}

extension ForestEvaluator {
    /// What a row takes in microseconds, as far as layouts are to be told apart.
    func measure() -> Double {
        CompiledModel.measure(self, featureCount: ensemble.featureCount)
    }
}
