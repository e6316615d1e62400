// SPDX-License-Identifier: Apache-2.0

/// How one feature was distributed when the model was made: frozen bins, and what fell into each.
package struct DriftReference: Equatable, Sendable {
    /// Inner bins of a number.
    package static let numberBins = 10
    /// Categories with a bin of their own.
    package static let topCategories = 20
    /// Categories that are known by name, at most.
    package static let knownCategoriesMax = 65_536
    /// Edges, and categories with a bin of their own, that a stored reference may have.
    package static let binsMax = 1_024

    /// The bins.
    package let bins: FrozenBins
    /// How many values of the reference fell into each.
    package let counts: [UInt64]

    /// Values in the reference.
    package var total: UInt64 { counts.reduce(0, &+) }

    /// A stored reference.
    package init(bins: FrozenBins, counts: [UInt64]) throws(EvidenceError) {
        guard counts.count == bins.count else { throw .outOfRange("reference.counts") }
        guard counts.allSatisfy({ $0 < 1 << 48 }) else { throw .outOfRange("reference.counts") }
        switch bins {
        case .numbers(let edges):
            guard edges.count != 1, edges.count <= Self.binsMax, edges.allSatisfy(\.isFinite),
                zip(edges, edges.dropFirst()).allSatisfy({ $0 < $1 })
            else { throw .outOfRange("reference.edges") }
        case .categories(let top, let known):
            guard top.count <= Self.binsMax, known.count <= Self.knownCategoriesMax,
                zip(top, top.dropFirst()).allSatisfy({ $0 < $1 }),
                zip(known, known.dropFirst()).allSatisfy({ $0 < $1 })
            else { throw .outOfRange("reference.categories") }
        }
        self.bins = bins
        self.counts = counts
    }

    /// The reference of a number: bins of equal mass, as far as repeated values allow; NaN is missing.
    ///
    /// - Complexity: O(n log n).
    package init(numbers values: [Double]) {
        let sorted = values.filter(\.isFinite).sorted()
        var edges: [Double] = []
        for bin in 0...Self.numberBins where !sorted.isEmpty {
            let rank = min(bin * sorted.count / Self.numberBins, sorted.count - 1)
            if edges.last.map({ $0 < sorted[rank] }) ?? true { edges.append(sorted[rank]) }
        }
        // A constant has one bin, from itself to the next number.
        if edges.count == 1 { edges.append(edges[0].nextUp) }
        bins = .numbers(edges: edges)
        var counts = [UInt64](repeating: 0, count: bins.count)
        for value in values { counts[bins.index(ofNumber: value)] += 1 }
        self.counts = counts
    }

    /// The reference of a category, by the hashes of its values; nil is missing.
    ///
    /// - Complexity: O(n log n).
    package init(categories values: [UInt64?]) {
        var frequencies: [UInt64: Int] = [:]
        for case let hash? in values { frequencies[hash, default: 0] += 1 }
        let ranked = frequencies.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let top = ranked.prefix(Self.topCategories).map(\.key).sorted()
        let known = ranked.dropFirst(Self.topCategories).prefix(Self.knownCategoriesMax)
            .map(\.key).sorted()
        bins = .categories(top: top, known: known)
        var counts = [UInt64](repeating: 0, count: bins.count)
        for value in values { counts[bins.index(ofCategory: value)] += 1 }
        self.counts = counts
    }
}
