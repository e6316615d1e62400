// SPDX-License-Identifier: Apache-2.0

extension XGBoostReader where Source: ~Escapable {
    /// The object `model` of any booster.
    mutating func readModel() throws(ImportError) {
        try source.enterObject()
        while try source.nextKey() {
            if source.keyIs("trees") {
                header.hasTrees = true
                try source.enterArray()
                while try source.nextElement() { try readTree() }
            } else if source.keyIs("tree_info") {
                header.treeGroups = try integers(
                    atMost: ImportLimits.treesMax, called: "trees", in: 0...Int(Int32.max))
            } else if source.keyIs("gbtree_model_param") {
                try readModelParameters()
            } else if source.keyIs("gbtree") {
                // A dart's trees, one level down.
                try source.enterObject()
                while try source.nextKey() {
                    if source.keyIs("model") { try readModel() } else { try source.skip() }
                }
            } else if source.keyIs("weight_drop") {
                header.treeWeights = try floats(
                    atMost: ImportLimits.treesMax, called: "trees")
            } else if source.keyIs("weights") {
                header.linearWeights = try floats(
                    atMost: (ImportLimits.featuresMax + 1) * ImportLimits.outputsMax,
                    called: "weights")
            } else if source.keyIs("cats") {
                try readCategoryEncoding()
            } else {
                try source.skip()
            }
        }
    }

    private mutating func readModelParameters() throws(ImportError) {
        try source.enterObject()
        while try source.nextKey() {
            if source.keyIs("num_trees") {
                header.treeCount = try count(in: "num_trees")
            } else {
                try source.skip()
            }
        }
    }

    /// Since 3.1 a file may hold the dictionary that codes a data frame's categories.
    private mutating func readCategoryEncoding() throws(ImportError) {
        try source.enterObject()
        while try source.nextKey() {
            guard source.keyIs("enc"), source.nextKind() == .array else {
                try source.skip()
                continue
            }
            try source.enterArray()
            while try source.nextElement() {
                header.hasCategoryEncoding = true
                try source.skip()
            }
        }
    }

    private mutating func readTree() throws(ImportError) {
        let tree = trees.count
        guard tree < ImportLimits.treesMax else {
            throw .limit("trees", max: ImportLimits.treesMax)
        }
        columns.removeAll()
        try source.enterObject()
        while try source.nextKey() { try readTreeMember(tree) }
        let nodes = try columns.nodes(tree: tree, categories: &categories)
        nodeCount += nodes.count
        guard nodeCount <= ImportLimits.nodesMax else {
            throw .limit("nodes", max: ImportLimits.nodesMax)
        }
        trees.append(TreeEnsemble.Tree(nodes: nodes))
    }

    private mutating func readTreeMember(_ tree: Int) throws(ImportError) {
        if let column = XGBoostTreeColumns.Name(source.key) {
            try readColumn(column, of: tree)
        } else if let list = XGBoostTreeColumns.CategoryList(source.key) {
            columns.categories[list] = try integers(
                atMost: ImportLimits.categoryWordsMax, called: "categories",
                in: 0...Int(Int32.max))
        } else if source.keyIs("tree_param") {
            try readTreeParameters()
        } else {
            try source.skip()
        }
    }

    /// Reads an array with one element per node; whatever is wrong with one is told by its node.
    private mutating func readColumn(
        _ column: XGBoostTreeColumns.Name, of tree: Int
    ) throws(ImportError) {
        var node = 0
        try source.enterArray()
        while try source.nextElement() {
            guard node < ImportLimits.treeNodesMax else {
                throw .tree(tree, problem: "has more than \(ImportLimits.treeNodesMax) nodes")
            }
            do throws(ImportError) {
                try readElement(of: column)
            } catch {
                guard case .syntax(_, let problem) = error else { throw error }
                throw .node(tree: tree, node: node, problem: "\(column.rawValue): \(problem)")
            }
            node += 1
        }
    }

    private mutating func readElement(of column: XGBoostTreeColumns.Name) throws(ImportError) {
        switch column {
        case .left: columns.left.append(try nodeInteger())
        case .right: columns.right.append(try nodeInteger())
        case .splitIndex: columns.splitIndex.append(try nodeInteger())
        case .splitType: columns.splitType.append(try nodeInteger())
        case .splitCondition: columns.splitCondition.append(try source.floatOrNaN())
        case .missingGoesLeft: columns.missingGoesLeft.append(try flag())
        case .cover: columns.cover.append(try source.float())
        }
    }

    /// An index; a deleted node's split index is all ones, with or without the sign bit.
    private mutating func nodeInteger() throws(ImportError) -> Int32 {
        Int32(clamping: try source.integer(in: Int(Int32.min)...Int(UInt32.max)))
    }

    private mutating func readTreeParameters() throws(ImportError) {
        try source.enterObject()
        while try source.nextKey() {
            if source.keyIs("num_nodes") {
                columns.nodeCount = try count(in: "num_nodes")
            } else if source.keyIs("size_leaf_vector") {
                columns.leafVectorSize = try count(in: "size_leaf_vector")
            } else {
                try source.skip()
            }
        }
    }

    /// Booleans up to 1.x and 0 or 1 since.
    private mutating func flag() throws(ImportError) -> Bool {
        source.nextKind() == .boolean ? try source.boolean() : try source.integer(in: 0...1) == 1
    }
}
