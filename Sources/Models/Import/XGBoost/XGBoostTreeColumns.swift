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
        nodeCount = nil
        leafVectorSize = 0
    }

    /// The columns put together, for tree number `tree`.
    func nodes(tree: Int) throws(ImportError) -> [TreeEnsemble.Node] {
        if let node = splitType.firstIndex(where: { $0 != 0 }) {
            throw .unsupported("the categorical split in tree \(tree) node \(node)")
        }
        guard leafVectorSize <= 1 else { throw .unsupported("a leaf vector (tree \(tree))") }
        let count = left.count
        for (name, other) in [
            ("right_children", right.count), ("split_indices", splitIndex.count),
            ("split_conditions", splitCondition.count), ("default_left", missingGoesLeft.count),
            ("tree_param.num_nodes", nodeCount ?? count),
        ] where other != count {
            throw .tree(tree, problem: "left_children has \(count) nodes, but \(name) \(other)")
        }
        return (0..<count).map { index in
            TreeEnsemble.Node(
                left: left[index],
                right: right[index],
                feature: splitIndex[index],
                value: splitCondition[index],
                missingGoesLeft: missingGoesLeft[index],
                isDeleted: splitIndex[index] == Self.deletedSplitIndex)
        }
    }
}
