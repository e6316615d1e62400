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
    /// Rows that are timed together, and how often.
    private static let (timedRows, groupsMin, groupsMax) = (16, 3, 16)
    /// After this long a slow forest is known well enough.
    private static let timedNanosecondsMax: UInt64 = 20_000_000

    /// What a few random rows take in nanoseconds: the least of several times, which a neighbour on
    /// the machine cannot make smaller.
    func measure() -> Double {
        var generator = SeededGenerator(seed: 2)
        let width = ensemble.featureCount
        let rows = (0..<Self.timedRows * width).map { _ in
            Float.random(in: -1...1, using: &generator)
                * [0.01, 1, 100, 10_000].randomElement(using: &generator)!
        }
        var margins = [Double](repeating: 0, count: marginCount)
        var least = UInt64.max
        let start = MonotonicTime.now()
        for group in 0..<Self.groupsMax {
            let groupStart = MonotonicTime.now()
            if group >= Self.groupsMin,
                groupStart.nanoseconds(since: start) > Self.timedNanosecondsMax
            {
                break
            }
            for row in 0..<Self.timedRows {
                var marginSpan = margins.mutableSpan
                self.margins(
                    of: rows.span.extracting(row * width..<(row + 1) * width), into: &marginSpan)
            }
            least = min(least, MonotonicTime.now().nanoseconds(since: groupStart))
        }
        return Double(least)
    }
}
