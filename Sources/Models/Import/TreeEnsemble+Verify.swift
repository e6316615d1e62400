// SPDX-License-Identifier: Apache-2.0

extension TreeEnsemble {
    /// Proves what the evaluator relies on; a reader's result is worth nothing before.
    ///
    /// After this every tree is a tree (each node is reached exactly once from its root, or was
    /// deleted), no path is longer than the limit, every number is finite and every feature exists.
    ///
    /// - Complexity: O(nodes).
    func verify() throws(ImportError) {
        guard !baseMargins.isEmpty, baseMargins.count <= ImportLimits.outputsMax else {
            throw .limit("outputs", max: ImportLimits.outputsMax)
        }
        guard baseMargins.allSatisfy(\.isFinite) else {
            throw .field("base_score", problem: "gives no finite margin")
        }
        guard featureCount > 0 else { throw .field("features", problem: "there are none") }
        guard featureCount <= ImportLimits.featuresMax else {
            throw .limit("features", max: ImportLimits.featuresMax)
        }
        guard featureNames.isEmpty || featureNames.count == featureCount else {
            throw .field(
                "feature_names",
                problem: "\(featureNames.count) names for \(featureCount) features")
        }
        guard !trees.isEmpty else { throw .field("trees", problem: "there are none") }
        guard trees.count <= ImportLimits.treesMax else {
            throw .limit("trees", max: ImportLimits.treesMax)
        }
        var nodeCount = 0
        for (index, tree) in trees.enumerated() {
            nodeCount += tree.nodes.count
            guard nodeCount <= ImportLimits.nodesMax else {
                throw .limit("nodes", max: ImportLimits.nodesMax)
            }
            guard baseMargins.indices.contains(Int(tree.output)) else {
                throw .tree(index, problem: "adds to output \(tree.output), which there is not")
            }
            try tree.verify(
                index: index, featureCount: featureCount, setCount: categories.starts.count)
        }
    }
}

extension TreeEnsemble.Tree {
    func verify(index tree: Int, featureCount: Int, setCount: Int) throws(ImportError) {
        guard !nodes.isEmpty else { throw .tree(tree, problem: "has no nodes") }
        guard nodes.count <= ImportLimits.treeNodesMax else {
            throw .tree(tree, problem: "has more than \(ImportLimits.treeNodesMax) nodes")
        }
        var isReached = [Bool](repeating: false, count: nodes.count)
        isReached[0] = true
        var level = [0]
        var depth = 0
        while !level.isEmpty {
            var next: [Int] = []
            for index in level {
                let node = nodes[index]
                try verify(
                    node, at: index, tree: tree, featureCount: featureCount, setCount: setCount)
                if node.isLeaf { continue }
                for (side, child) in [("left", Int(node.left)), ("right", Int(node.right))] {
                    guard nodes.indices.contains(child) else {
                        throw .node(
                            tree: tree, node: index,
                            problem: "\(side) child \(child) is outside 0..<\(nodes.count)")
                    }
                    guard !isReached[child] else {
                        throw .node(
                            tree: tree, node: index,
                            problem: "\(side) child \(child) is already reached by another way")
                    }
                    isReached[child] = true
                    next.append(child)
                }
            }
            depth += next.isEmpty ? 0 : 1
            guard depth <= ImportLimits.treeDepthMax else {
                throw .node(
                    tree: tree, node: next[0],
                    problem: "is deeper than \(ImportLimits.treeDepthMax) splits")
            }
            level = next
        }
        if let orphan = nodes.indices.first(where: { !isReached[$0] && !nodes[$0].isDeleted }) {
            throw .node(tree: tree, node: orphan, problem: "is not reached from the root")
        }
    }

    private func verify(
        _ node: TreeEnsemble.Node, at index: Int, tree: Int, featureCount: Int, setCount: Int
    ) throws(ImportError) {
        func refuse(_ problem: String) -> ImportError {
            .node(tree: tree, node: index, problem: problem)
        }
        if node.isDeleted { throw refuse("is marked as deleted and yet reached from the root") }
        if node.isLeaf {
            guard node.value.isFinite else { throw refuse("the leaf value is not finite") }
            return
        }
        // LightGBM writes infinity for a split between missing and everything else.
        guard node.value.isFinite || node.value == .infinity else {
            throw refuse("the threshold is not finite")
        }
        guard node.feature >= 0, Int(node.feature) < featureCount else {
            throw refuse("feature \(node.feature) is outside 0..<\(featureCount)")
        }
        if node.isCategorical {
            guard node.categorySet >= 0, Int(node.categorySet) < setCount else {
                throw refuse("category set \(node.categorySet) is outside 0..<\(setCount)")
            }
        }
    }
}
