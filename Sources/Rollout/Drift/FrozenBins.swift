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
}
