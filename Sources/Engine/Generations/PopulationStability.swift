// SPDX-License-Identifier: Apache-2.0

/// The population stability index: how far the distribution of a number has moved.
///
/// The sum over bins of (q - p) ln(q / p), where p and q are the shares of the old and the new values.
/// Bins end at the deciles of the old values; a decile that holds 5 % of them by itself is a bin of its
/// own, so that a feature with few distinct values is judged too. Below 0.1 is called stable, above
/// 0.25 moved.
enum PopulationStability {
    private static let binCount = 10
    private static let spikeShare = 0.05

    /// The index of `new` against `old`; 0 if either is empty.
    static func index(of new: [Double], against old: [Double]) -> Double {
        guard !new.isEmpty, !old.isEmpty else { return 0 }
        let sorted = old.sorted()
        var edges: [Double] = []
        for bin in 1..<binCount {
            let edge = sorted[bin * sorted.count / binCount]
            if edges.last != edge { edges.append(edge) }
        }
        let isSpike = edges.map { edge in
            Double(old.count { $0 == edge }) >= spikeShare * Double(old.count)
        }
        let before = shares(old, edges, isSpike)
        let after = shares(new, edges, isSpike)
        var sum = 0.0
        for (p, q) in zip(before, after) { sum += (q - p) * Double.logarithm(q / p) }
        return sum
    }

    /// The share of each bin; an empty one counts as half a value.
    private static func shares(
        _ values: [Double], _ edges: [Double], _ isSpike: [Bool]
    ) -> [Double] {
        var counts = [Double](repeating: 0, count: edges.count * 2 + 1)
        for value in values {
            // The first edge that is not below the value.
            var low = 0
            var high = edges.count
            while low < high {
                let middle = (low + high) / 2
                if edges[middle] < value { low = middle + 1 } else { high = middle }
            }
            let isOnEdge = low < edges.count && edges[low] == value && isSpike[low]
            counts[low * 2 + (isOnEdge ? 1 : 0)] += 1
        }
        let total = Double(values.count)
        return counts.map { max($0, 0.5) / total }
    }
}
