// SPDX-License-Identifier: Apache-2.0

package import Rollout

/// Counts of one feature's values, as a loop of the server keeps them.
package struct DriftWindow: Sendable {
    private let bins: FrozenBins
    private var counts: [UInt64]
    private var staleCount: UInt64 = 0

    /// Nothing counted yet.
    package init(_ bins: FrozenBins) {
        self.bins = bins
        counts = [UInt64](repeating: 0, count: bins.count)
    }

    /// Counts one value; NaN is missing.
    package mutating func count(_ value: Double, isStale: Bool = false) {
        counts[bins.index(ofNumber: value)] += 1
        if isStale { staleCount += 1 }
    }

    /// Gives what was counted to the guard's view of the feature.
    package func add(to drift: inout FeatureDrift) {
        drift.add(counts: counts, stale: staleCount)
    }
}

extension DriftReference {
    private static let binsOfNumbers = 10

    /// Ten bins of equal mass, as far as repeated values allow, as a trainer makes them; NaN is missing.
    package init(numbers values: [Double]) throws {
        let sorted = values.filter(\.isFinite).sorted()
        var edges: [Double] = []
        for bin in 0...Self.binsOfNumbers where !sorted.isEmpty {
            let rank = min(bin * sorted.count / Self.binsOfNumbers, sorted.count - 1)
            if edges.last.map({ $0 < sorted[rank] }) ?? true { edges.append(sorted[rank]) }
        }
        let bins = FrozenBins.numbers(edges: edges)
        var counts = [UInt64](repeating: 0, count: bins.count)
        for value in values { counts[bins.index(ofNumber: value)] += 1 }
        try self.init(bins: bins, counts: counts)
    }
}

extension FrozenBins {
    /// The bin of a number.
    fileprivate func index(ofNumber value: Double) -> Int {
        guard case .numbers(let edges) = self, let first = edges.first, let last = edges.last,
            !value.isNaN
        else { return missingIndex }
        guard value >= first, value <= last else { return unseenIndex }
        var low = 0
        var high = edges.count - 1
        while high - low > 1 {
            let middle = (low + high) / 2
            if value < edges[middle] { high = middle } else { low = middle }
        }
        return low
    }
}
