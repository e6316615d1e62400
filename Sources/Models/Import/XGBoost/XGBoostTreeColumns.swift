// SPDX-License-Identifier: Apache-2.0

/// The arrays that describe one tree, one element per node; their storage is used for every tree.
struct XGBoostTreeColumns {
    var left: [Int32] = []
    var right: [Int32] = []
    var splitIndex: [Int32] = []
    var splitCondition: [Float] = []
    var missingGoesLeft: [Bool] = []
    /// 0 for a threshold, 1 for a set of categories; files older than 1.3 have none.
    var splitType: [Int32] = []
    var cover: [Float] = []
    /// The splits by category, told apart from the nodes.
    var categories: [CategoryList: [Int]] = [:]
    /// As the tree states it; the arrays must agree.
    var nodeCount: Int?
    var leafVectorSize = 0

    /// The columns by their names in the file.
    enum Name: String, CaseIterable {
        case left = "left_children"
        case right = "right_children"
        case splitIndex = "split_indices"
        case splitType = "split_type"
        case splitCondition = "split_conditions"
        case missingGoesLeft = "default_left"
        case cover = "sum_hessian"

        init?(_ key: [UInt8]) {
            self.init(rawValue: String(decoding: key, as: UTF8.self))
        }
    }

    /// The lists of categories: which nodes have one, where each starts, how long each is.
    enum CategoryList: String {
        case categories
        case nodes = "categories_nodes"
        case segments = "categories_segments"
        case sizes = "categories_sizes"

        init?(_ key: [UInt8]) {
            self.init(rawValue: String(decoding: key, as: UTF8.self))
        }
    }

    /// The split index of a node that pruning deleted: all 31 bits set.
    static let deletedSplitIndex = Int32.max

    mutating func removeAll() {
        left.removeAll(keepingCapacity: true)
        right.removeAll(keepingCapacity: true)
        splitIndex.removeAll(keepingCapacity: true)
        splitCondition.removeAll(keepingCapacity: true)
        missingGoesLeft.removeAll(keepingCapacity: true)
        splitType.removeAll(keepingCapacity: true)
        cover.removeAll(keepingCapacity: true)
        categories.removeAll(keepingCapacity: true)
        nodeCount = nil
        leafVectorSize = 0
    }

    /// The columns put together, for tree number `tree`; its sets join `sets`.
    func nodes(
        tree: Int, categories sets: inout CategorySets
    ) throws(ImportError) -> [TreeEnsemble.Node] {
        guard leafVectorSize <= 1 else { throw .unsupported("a leaf vector (tree \(tree))") }
        let count = left.count
        for (name, other) in [
            ("right_children", right.count), ("split_indices", splitIndex.count),
            ("split_conditions", splitCondition.count), ("default_left", missingGoesLeft.count),
            ("tree_param.num_nodes", nodeCount ?? count),
            ("split_type", splitType.isEmpty ? count : splitType.count),
            ("sum_hessian", cover.isEmpty ? count : cover.count),
        ] where other != count {
            throw .tree(tree, problem: "left_children has \(count) nodes, but \(name) \(other)")
        }
        var nodes = (0..<count).map { index in
            TreeEnsemble.Node(
                left: left[index],
                right: right[index],
                feature: splitIndex[index],
                value: Double(splitCondition[index]),
                cover: cover.isEmpty ? 0 : cover[index],
                missingGoesLeft: missingGoesLeft[index],
                isDeleted: splitIndex[index] == Self.deletedSplitIndex)
        }
        try addCategories(to: &nodes, tree: tree, sets: &sets)
        return nodes
    }

    /// Gives the splits by category their sets: a category of the set goes right.
    private func addCategories(
        to nodes: inout [TreeEnsemble.Node], tree: Int, sets: inout CategorySets
    ) throws(ImportError) {
        let owners = categories[.nodes] ?? []
        let starts = categories[.segments] ?? []
        let sizes = categories[.sizes] ?? []
        let members = categories[.categories] ?? []
        guard starts.count == owners.count, sizes.count == owners.count else {
            throw .tree(
                tree,
                problem: "categories_nodes has \(owners.count) entries, but categories_segments "
                    + "\(starts.count) and categories_sizes \(sizes.count)")
        }
        for (entry, node) in owners.enumerated() {
            func refuse(_ problem: String) -> ImportError {
                .node(tree: tree, node: node, problem: problem)
            }
            guard nodes.indices.contains(node) else {
                throw .tree(tree, problem: "categories_nodes: \(node) is no node")
            }
            guard node < splitType.count, splitType[node] == 1 else {
                throw refuse("has categories, but split_type is not 1")
            }
            guard !nodes[node].isCategorical else { throw refuse("has categories twice") }
            let (end, overflow) = starts[entry].addingReportingOverflow(sizes[entry])
            guard !overflow, end <= members.count else {
                throw refuse("its categories are outside 0..<\(members.count)")
            }
            let set = members[starts[entry]..<end]
            guard let largest = set.max() else { throw refuse("its set of categories is empty") }
            guard largest < CategorySets.categoriesMax else {
                throw refuse("category \(largest) is not below \(CategorySets.categoriesMax)")
            }
            var bits = [UInt32](repeating: 0, count: largest / 32 + 1)
            for member in set { bits[member / 32] |= 1 << UInt32(member % 32) }
            nodes[node].categorySet = try sets.append(
                bits: bits, membersGoLeft: false, missingGoesLeft: missingGoesLeft[node])
            nodes[node].value = 0
        }
        for (node, type) in splitType.enumerated()
        where type != 0 && !nodes[node].isCategorical && !nodes[node].isLeaf {
            throw .node(
                tree: tree, node: node,
                problem: type == 1 ? "has no categories" : "split_type \(type) is unknown")
        }
    }
}
