// SPDX-License-Identifier: Apache-2.0

/// What a model file may ask for; anything above is refused before memory is spent on it.
package enum ImportLimits {
    /// Bytes of a model file.
    package static let fileBytesMax = 256 << 20
    /// Objects and arrays open at once in a JSON file.
    package static let nestingMax = 64
    /// Keys of one JSON object.
    package static let keysMax = 256
    /// Bytes of one string, as written between its quotes.
    package static let stringBytesMax = 65_536
    /// Characters of one number.
    package static let numberBytesMax = 64

    /// Trees of an ensemble.
    package static let treesMax = 100_000
    /// Nodes of all trees together, leaves included.
    package static let nodesMax = 2_000_000
    /// Nodes of one tree: a packed node reaches its children by a 16-bit step.
    package static let treeNodesMax = 65_535
    /// Splits on the longest way from a root to a leaf.
    package static let treeDepthMax = 64
    /// Features of a row: the prepared row lives on the stack, twice as wide.
    package static let featuresMax = 4_096
    /// Outputs of a model: classes, targets or quantiles.
    package static let outputsMax = 1_000
    /// 32-bit words of all sets of categories together.
    package static let categoryWordsMax = 4 << 20
    /// Categories that one input or one encoder lists.
    package static let categoriesMax = 65_536
    /// Bytes of one line of a text file; a tree of the most nodes has lines of this size.
    package static let lineBytesMax = 4 << 20
    /// Numbers that a static graph holds while it evaluates a row; they live on the stack.
    package static let graphFloatsMax = 16_384
    /// Numbers and names that a graph's file holds.
    package static let graphElementsMax = 32 << 20
    /// Operators of a graph.
    package static let graphNodesMax = 4_096
    /// Constants of a graph.
    package static let graphConstantsMax = 16 << 20
}
