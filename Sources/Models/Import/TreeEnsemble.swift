// SPDX-License-Identifier: Apache-2.0

/// A boosted ensemble as a file describes it: what every reader produces, before anything is trusted.
///
/// A split sends a row left if `row[feature] < value` in float32; NaN is missing. A format that
/// compares otherwise is translated by its reader (`x <= t` is `x < t.nextUp`).
struct TreeEnsemble {
    var trees: [Tree] = []
    /// Features of a row; every split names one below this.
    var featureCount = 0
    /// Empty if the file has none.
    var featureNames: [String] = []
    /// The objective in the file's own words.
    var objective = ""
    var link = Link.identity
    /// The sum starts from this, in margin space.
    var baseMargin: Float = 0

    /// One tree; node 0 is the root.
    struct Tree {
        var nodes: [Node] = []
    }

    /// A split, a leaf, or a node that pruning left behind.
    struct Node {
        /// The child index that says: no child.
        static let none: Int32 = -1

        /// Child indices; a leaf has neither.
        var left: Int32 = Node.none
        var right: Int32 = Node.none
        var feature: Int32 = 0
        /// A split's threshold or a leaf's value.
        var value: Float = 0
        var missingGoesLeft = false
        /// Marked as deleted by the trainer: no path leads here.
        var isDeleted = false

        var isLeaf: Bool { left == Node.none && right == Node.none }
    }
}
