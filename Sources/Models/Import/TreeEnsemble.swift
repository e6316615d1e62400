// SPDX-License-Identifier: Apache-2.0

/// A boosted ensemble as a file describes it: what every reader of trees produces, before anything
/// is trusted.
///
/// A split sends a row left if `row[feature]` compares with `value` as `arithmetic` says, or if it
/// is a category in the split's set. A format that compares otherwise is translated by its reader.
struct TreeEnsemble {
    var trees: [Tree] = []
    /// Features of a row; every split names one below this.
    var featureCount = 0
    /// Empty if the file has none.
    var featureNames: [String] = []
    /// The texts whose numbers stand in the rows, by feature.
    var featureCategories: [Int: [String]] = [:]
    /// The objective in the file's own words.
    var objective = ""
    var link = Link.identity
    var arithmetic = Arithmetic.single
    /// The sums start from these, in margin space; one per output.
    var baseMargins: [Double] = [0]
    /// What the sums are divided by before the link: trees per output of a random forest.
    var divisor = 1.0
    /// The sets that splits by category name.
    var categories = CategorySets()

    /// How values are compared and added.
    enum Arithmetic {
        /// `<` and sums in float32: XGBoost and ONNX.
        case single
        /// `<=` and sums in float64: LightGBM.
        case double
    }

    /// One tree; node 0 is the root.
    struct Tree {
        var nodes: [Node] = []
        /// The output whose sum it adds to.
        var output: Int32 = 0
    }

    /// A split, a leaf, or a node that pruning left behind.
    struct Node {
        /// The child index that says: no child.
        static let none: Int32 = -1

        /// Child indices; a leaf has neither.
        var left: Int32 = Node.none
        var right: Int32 = Node.none
        var feature: Int32 = 0
        /// The set of a split by category.
        var categorySet: Int32 = Node.none
        /// A split's threshold or a leaf's value.
        var value: Double = 0
        /// Training rows that came here, or their weight; 0 if the file does not say.
        var cover: Float = 0
        var missingGoesLeft = false
        var missing = Missing.nan
        /// Marked as deleted by the trainer: no path leads here.
        var isDeleted = false

        var isLeaf: Bool { left == Node.none && right == Node.none }
        var isCategorical: Bool { categorySet != Node.none }
    }

    /// Which values take the default direction.
    enum Missing: UInt8 {
        /// NaN.
        case nan
        /// NaN and what is zero to LightGBM: at most 1e-35 either way.
        case nanOrZero
        /// None; NaN is read as 0.
        case never
    }

    /// What LightGBM takes for zero, `kZeroThreshold`.
    static let zeroMax: Float = 1e-35
}
