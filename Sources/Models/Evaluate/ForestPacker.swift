// SPDX-License-Identifier: Apache-2.0

/// Lays verified trees out for the evaluator.
///
/// Each tree's nodes are put in breadth-first order with siblings together: the upper levels, which
/// every row visits, share cache lines, and a right child needs no pointer of its own.
struct ForestPacker {
    private var nodes: [PackedNode] = []
    private var roots: [UInt32] = []
    private var groups: [TreeGroup] = []
    private var slots: [RowSlot] = []
    private var slotNumbers: [RowSlot: UInt16] = [:]
    private var treeCount = 0

    private(set) var nodeCount = 0
    private(set) var leafCount = 0
    private(set) var depth = 0

    var usedFeatureCount: Int { Set(slots.map(\.feature)).count }

    /// Adds one tree; the ensemble it belongs to must be verified.
    mutating func append(_ tree: TreeEnsemble.Tree) {
        let depth = pack(tree)
        self.depth = max(self.depth, depth)
        if treeCount % TreeGroup.width == 0 { groups.append(TreeGroup(depth: 0)) }
        groups[groups.count - 1].depth = max(groups[groups.count - 1].depth, depth)
        treeCount += 1
    }

    /// Copies everything into one allocation.
    mutating func finish() -> PackedForest {
        while roots.count % TreeGroup.width != 0 {
            // Adding zero would turn a sum of -0 into 0, adding -0 changes nothing.
            roots.append(UInt32(nodes.count))
            nodes.append(PackedNode(value: -0.0, slot: 0, step: 0))
        }
        return unsafe PackedForest(nodes: nodes, roots: roots, groups: groups, slots: slots)
    }

    /// Appends the nodes of `tree` and returns its depth.
    private mutating func pack(_ tree: TreeEnsemble.Tree) -> Int {
        let start = nodes.count
        roots.append(UInt32(start))
        nodes.append(PackedNode(value: 0, slot: 0, step: 0))
        var level: [Int32] = [0]
        var position = start
        var depth = 0
        while true {
            var next: [Int32] = []
            for index in level {
                let node = tree.nodes[Int(index)]
                nodes[position].value = node.value
                if node.isLeaf {
                    leafCount += 1
                } else {
                    nodes[position].slot = slot(for: node)
                    nodes[position].step = UInt16(nodes.count - position)
                    nodes.append(PackedNode(value: 0, slot: 0, step: 0))
                    nodes.append(PackedNode(value: 0, slot: 0, step: 0))
                    next.append(node.left)
                    next.append(node.right)
                }
                position += 1
            }
            if next.isEmpty { break }
            depth += 1
            level = next
        }
        nodeCount += nodes.count - start
        return depth
    }

    /// The number of the slot that `node` reads; 0 belongs to the leaves.
    private mutating func slot(for node: TreeEnsemble.Node) -> UInt16 {
        let slot = RowSlot(
            feature: Int(node.feature),
            missing: node.missingGoesLeft ? -.infinity : .infinity)
        if let number = slotNumbers[slot] { return number }
        slots.append(slot)
        let number = UInt16(slots.count)
        slotNumbers[slot] = number
        return number
    }
}
