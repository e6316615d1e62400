// SPDX-License-Identifier: Apache-2.0

/// How one feature was distributed when the model was made: frozen bins, and what fell into each.
package struct DriftReference: Equatable, Sendable {
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
}
