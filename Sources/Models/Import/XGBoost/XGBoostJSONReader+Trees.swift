// SPDX-License-Identifier: Apache-2.0

extension XGBoostJSONReader {
    /// The object `model` of a `gbtree`.
    mutating func readModel() throws(ImportError) {
        try json.enterObject()
        while try json.nextKey() {
            if json.keyIs("trees") {
                header.hasTrees = true
                try json.enterArray()
                while try json.nextElement() { try readTree() }
            } else if json.keyIs("tree_info") {
                header.treeGroups = try integers(
                    atMost: ImportLimits.treesMax, called: "trees", in: 0...Int(Int32.max))
            } else if json.keyIs("gbtree_model_param") {
                try readModelParameters()
            } else if json.keyIs("cats") {
                try readCategoryEncoding()
            } else {
                try json.skip()
            }
        }
    }

    private mutating func readModelParameters() throws(ImportError) {
        try json.enterObject()
        while try json.nextKey() {
            if json.keyIs("num_trees") {
                header.treeCount = try count(in: "num_trees")
            } else if json.keyIs("num_parallel_tree") {
                header.parallelTreeCount = try count(in: "num_parallel_tree")
            } else {
                try json.skip()
            }
        }
    }

    /// Since 3.1 a file may hold the dictionary that codes a data frame's categories.
    private mutating func readCategoryEncoding() throws(ImportError) {
        try json.enterObject()
        while try json.nextKey() {
            guard json.keyIs("enc"), json.peek() == UInt8(ascii: "[") else {
                try json.skip()
                continue
            }
            try json.enterArray()
            while try json.nextElement() {
                header.hasCategoryEncoding = true
                try json.skip()
            }
        }
    }

    private mutating func readTree() throws(ImportError) {
        let tree = trees.count
        guard tree < ImportLimits.treesMax else {
            throw .limit("trees", max: ImportLimits.treesMax)
        }
        columns.removeAll()
        try json.enterObject()
        while try json.nextKey() { try readTreeMember(tree) }
        let nodes = try columns.nodes(tree: tree)
        nodeCount += nodes.count
        guard nodeCount <= ImportLimits.nodesMax else {
            throw .limit("nodes", max: ImportLimits.nodesMax)
        }
        trees.append(TreeEnsemble.Tree(nodes: nodes))
    }

    private mutating func readTreeMember(_ tree: Int) throws(ImportError) {
        if let column = XGBoostTreeColumns.Name(json.key) {
            try readColumn(column, of: tree)
        } else if json.keyIs("categories_nodes") {
            try refuseCategories(tree)
        } else if json.keyIs("tree_param") {
            try readTreeParameters()
        } else {
            try json.skip()
        }
    }

    /// Reads an array with one element per node; whatever is wrong with one is told by its node.
    private mutating func readColumn(
        _ column: XGBoostTreeColumns.Name, of tree: Int
    ) throws(ImportError) {
        var node = 0
        try json.enterArray()
        while try json.nextElement() {
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
        case .splitCondition: columns.splitCondition.append(try json.float())
        case .missingGoesLeft: columns.missingGoesLeft.append(try flag())
        }
    }

    /// An index; a deleted node's split index is all ones, with or without the sign bit.
    private mutating func nodeInteger() throws(ImportError) -> Int32 {
        Int32(clamping: try json.integer(in: Int(Int32.min)...Int(UInt32.max)))
    }

    /// The nodes that split by category; they come before `split_conditions`, where theirs are NaN.
    private mutating func refuseCategories(_ tree: Int) throws(ImportError) {
        try json.enterArray()
        while try json.nextElement() {
            let node = try json.integer(in: 0...Int(Int32.max))
            throw .unsupported("the categorical split in tree \(tree) node \(node)")
        }
    }

    private mutating func readTreeParameters() throws(ImportError) {
        try json.enterObject()
        while try json.nextKey() {
            if json.keyIs("num_nodes") {
                columns.nodeCount = try count(in: "num_nodes")
            } else if json.keyIs("size_leaf_vector") {
                columns.leafVectorSize = try count(in: "size_leaf_vector")
            } else {
                try json.skip()
            }
        }
    }

    /// Booleans up to 1.x and 0 or 1 since.
    private mutating func flag() throws(ImportError) -> Bool {
        switch json.peek() {
        case UInt8(ascii: "t"), UInt8(ascii: "f"): try json.boolean()
        default: try json.integer(in: 0...1) == 1
        }
    }
}
