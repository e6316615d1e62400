// SPDX-License-Identifier: Apache-2.0

/// The bins into which a feature's values are sorted, frozen with its reference.
package enum FrozenBins: Equatable, Sendable {
    /// Ascending edges e₀ < … < eₖ: bin i holds eᵢ ≤ x < eᵢ₊₁ (the last also its upper edge); then
    /// a bin for missing values and one for values outside.
    case numbers(edges: [Double])
    /// The categories that have a bin each, sorted by hash, and all known others; then a bin for
    /// known others, one for unseen categories and one for missing values.
    case categories(top: [UInt64], known: [UInt64])

    /// How many bins there are.
    package var count: Int {
        switch self {
        case .numbers(let edges): max(edges.count - 1, 0) + 2
        case .categories(let top, _): top.count + 3
        }
    }

    /// The bin of a number; NaN is missing.
    ///
    /// - Complexity: O(log bins); allocates nothing.
    package func index(ofNumber value: Double) -> Int {
        guard case .numbers(let edges) = self else { return count - 1 }
        let inner = max(edges.count - 1, 0)
        if value.isNaN { return inner }
        guard inner > 0, value >= edges[0], value <= edges[inner] else { return inner + 1 }
        var low = 0
        var high = inner
        while high - low > 1 {
            let middle = (low + high) / 2
            if value < edges[middle] { high = middle } else { low = middle }
        }
        return low
    }

    /// The bin of a category by its hash; nil is missing.
    ///
    /// - Complexity: O(log categories); allocates nothing.
    package func index(ofCategory hash: UInt64?) -> Int {
        guard case .categories(let top, let known) = self else { return count - 1 }
        guard let hash else { return top.count + 2 }
        if let index = Self.position(of: hash, in: top) { return index }
        return top.count + (Self.position(of: hash, in: known) == nil ? 1 : 0)
    }

    /// The bin of missing values.
    package var missingIndex: Int {
        switch self {
        case .numbers(let edges): max(edges.count - 1, 0)
        case .categories(let top, _): top.count + 2
        }
    }

    /// The bin of values that the reference does not know.
    package var unseenIndex: Int {
        switch self {
        case .numbers(let edges): max(edges.count - 1, 0) + 1
        case .categories(let top, _): top.count + 1
        }
    }

    private static func position(of hash: UInt64, in sorted: [UInt64]) -> Int? {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < hash { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == hash ? low : nil
    }
}
