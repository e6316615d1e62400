// SPDX-License-Identifier: Apache-2.0

/// What a model is, for listings and for checking it against its inputs.
package struct ModelSummary: Sendable, Equatable {
    /// The objective in the file's own words, such as `binary:logistic`; `onnx` for a graph.
    package let objective: String
    /// Trees of the ensemble; 0 for a model of another kind.
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
    /// Memory of what evaluation reads.
    package let byteCount: Int

    init(_ ensemble: TreeEnsemble, _ forest: ForestEvaluator) {
        objective = ensemble.objective
        treeCount = ensemble.trees.count
        nodeCount = forest.nodeCount
        leafCount = forest.leafCount
        depth = forest.depth
        featureCount = ensemble.featureCount
        featureNames = ensemble.featureNames
        usedFeatureCount = forest.usedFeatureCount
        byteCount = forest.byteCount
    }

    init(_ linear: LinearModel) {
        objective = linear.objective
        treeCount = 0
        nodeCount = 0
        leafCount = 0
        depth = 0
        featureCount = linear.featureCount
        featureNames = linear.featureNames
        usedFeatureCount = linear.featureCount
        byteCount =
            linear.featureCount * linear.baseMargins.count
            * MemoryLayout<LinearModel.Term>.stride
    }

    init(_ graph: Graph) {
        objective = "onnx"
        treeCount = graph.forests.reduce(0) { $0 + $1.ensemble.trees.count }
        nodeCount = graph.forests.reduce(0) { $0 + $1.nodeCount }
        leafCount = graph.forests.reduce(0) { $0 + $1.leafCount }
        depth = graph.forests.map(\.depth).max() ?? 0
        featureCount = graph.inputs.count
        featureNames = graph.inputs.map(\.name)
        usedFeatureCount = graph.inputs.count
        byteCount =
            graph.constants.count * MemoryLayout<Float>.stride
            + graph.forests.reduce(0) { $0 + $1.byteCount }
    }
}
