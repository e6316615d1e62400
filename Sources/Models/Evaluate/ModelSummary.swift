// SPDX-License-Identifier: Apache-2.0

/// What a model is, for listings and for checking it against its inputs.
package struct ModelSummary: Sendable, Equatable {
    /// The objective in the file's own words, such as `binary:logistic`.
    package let objective: String
    /// Trees of the ensemble.
    package let treeCount: Int
    /// Splits and leaves of all trees.
    package let nodeCount: Int
    /// Leaves of all trees.
    package let leafCount: Int
    /// Splits on the longest way to a leaf.
    package let depth: Int
    /// Values of a row.
    package let featureCount: Int
    /// In row order; empty if the file has none.
    package let featureNames: [String]
    /// Features that some split reads.
    package let usedFeatureCount: Int
    /// Memory of the compiled trees.
    package let byteCount: Int
}
