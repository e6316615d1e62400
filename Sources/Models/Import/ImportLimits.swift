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
}
