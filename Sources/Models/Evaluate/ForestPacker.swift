// SPDX-License-Identifier: Apache-2.0

/// Lays verified trees out for the evaluator.
///
/// Siblings are neighbours, so a right child needs no pointer of its own. A cache line (eight nodes)
/// holds a small subtree, not a slice of a level: a walk of depth 8 touches four or five lines
/// instead of seven, which decides the speed of a forest that is larger than the near caches.
struct ForestPacker {
    /// Nodes in a cache line of 64 bytes.
    private static let lineNodes = 8
    /// Larger trees are packed without gaps: two neighbouring lines hold at least five pairs out of
    /// eight, so gaps stretch a tree to at most 8/5, and a step has 16 bits.
    private static let alignedNodesMax = 40_000

    private var nodes: [PackedNode] = []
    private var roots: [UInt32] = []
    private var groups: [TreeGroup] = []
    private var slots: [RowSlot] = []
    private var slotNumbers: [RowSlot: UInt16] = [:]
    /// The features whose category some split tests; their slots follow the others.
    private var categoryFeatures: [Int] = []
    private var categoryNumbers: [Int: UInt16] = [:]
    /// Places in `nodes` of the splits by category.
    private var categoryNodes: [Int] = []
    private var categories = CategorySets()
    private let arithmetic: TreeEnsemble.Arithmetic
    /// Leaf values in float64, if that is how they are added; the first belongs to the padding.
    private var leaves: [Double] = [-0.0]
    private var outputs: [PackedOutput] = []
    private var treesOfOutput = 0

    private(set) var nodeCount = 0
    private(set) var leafCount = 0
    private(set) var depth = 0

    var usedFeatureCount: Int { Set(slots.map(\.feature)).union(categoryFeatures).count }

    /// Lays out a verified ensemble.
    init(_ ensemble: TreeEnsemble) {
        arithmetic = ensemble.arithmetic
        categories = ensemble.categories
        // Gaps take about a quarter more; growing by doubling would take more than the file.
        let count = ensemble.trees.reduce(0) { $0 + $1.nodes.count }
        nodes.reserveCapacity(count + count / 4)
        if arithmetic == .double { leaves.reserveCapacity(count / 2 + ensemble.trees.count + 1) }
        // One output after the other, each with its trees in their order.
        for (output, base) in ensemble.baseMargins.enumerated() {
            treesOfOutput = 0
            let start = groups.count
            for tree in ensemble.trees where tree.output == output { append(tree) }
            fillGroup()
            outputs.append(
                PackedOutput(firstGroup: start, groupEnd: groups.count, base: base))
        }
        numberCategorySlots()
    }

    /// A split that has its place, while its children have none yet.
    private struct Parent {
        var node: TreeEnsemble.Node
        var position: Int
        var depth: Int
    }

    /// Adds one tree; the ensemble it belongs to must be verified.
    private mutating func append(_ tree: TreeEnsemble.Tree) {
        let depth = pack(tree)
        self.depth = max(self.depth, depth)
        if treesOfOutput % TreeGroup.width == 0 { groups.append(TreeGroup(depth: 0)) }
        groups[groups.count - 1].depth = max(groups[groups.count - 1].depth, depth)
        treesOfOutput += 1
    }

    /// Fills up the last group of an output.
    private mutating func fillGroup() {
        while roots.count % TreeGroup.width != 0 {
            // Adding zero would turn a sum of -0 into 0, adding -0 changes nothing.
            roots.append(UInt32(nodes.count))
            nodes.append(arithmetic == .single ? .gap : .leaf(number: 0))
        }
    }

    /// Gives the splits by category their slots, now that the number of other slots is known.
    private mutating func numberCategorySlots() {
        for place in categoryNodes { nodes[place].slot += UInt16(slots.count + 1) }
    }

    /// Copies everything into memory that lives on its own, and forgets the nodes.
    mutating func forest() -> PackedForest {
        defer { (nodes, roots, groups, leaves) = ([], [], [], []) }
        return unsafe PackedForest(
            nodes: nodes, roots: roots, groups: groups, slots: slots,
            categoryFeatures: categoryFeatures, categoryWords: categories.words,
            leaves: leaves, outputs: outputs, arithmetic: arithmetic)
    }

    /// As `forest`, without what only the walk through nodes reads.
    func forestWithoutNodes() -> PackedForest {
        unsafe PackedForest(
            nodes: [], roots: [], groups: [], slots: slots,
            categoryFeatures: categoryFeatures, categoryWords: [], leaves: [], outputs: outputs,
            arithmetic: arithmetic)
    }

    /// Appends the nodes of `tree`, subtree by subtree, and returns its depth.
    private mutating func pack(_ tree: TreeEnsemble.Tree) -> Int {
        let isAligned = tree.nodes.count <= Self.alignedNodesMax
        if isAligned { fillLine() }
        roots.append(UInt32(nodes.count))
        var waiting: [Parent] = []
        var depth = 0
        place(tree.nodes[0], depth: 0, into: &waiting)
        // Beside the root, so that pairs start at even places.
        nodes.append(.gap)
        var next = 0
        while next < waiting.count {
            var subtree = [waiting[next]]
            next += 1
            let room = (Self.lineNodes - nodes.count % Self.lineNodes) / 2
            let pairs = pairCount(below: subtree[0], in: tree)
            // The root's own line takes three pairs; elsewhere a subtree does not straddle lines.
            if isAligned, room < pairs, next > 1 { fillLine() }
            var placed = 0
            while placed < subtree.count, placed < Self.lineNodes / 2 {
                if isAligned, next == 1, placed == Self.lineNodes / 2 - 1 { break }
                let parent = subtree[placed]
                nodes[parent.position].step = UInt16(nodes.count - parent.position)
                depth = max(depth, parent.depth + 1)
                for child in [parent.node.left, parent.node.right] {
                    place(tree.nodes[Int(child)], depth: parent.depth + 1, into: &subtree)
                }
                placed += 1
            }
            waiting.append(contentsOf: subtree[placed...])
        }
        return depth
    }

    /// Appends one node; a split joins `parents`.
    private mutating func place(
        _ node: TreeEnsemble.Node, depth: Int, into parents: inout [Parent]
    ) {
        nodeCount += 1
        if node.isLeaf {
            leafCount += 1
            if arithmetic == .single {
                nodes.append(PackedNode(value: Float(node.value), slot: 0, step: 0))
            } else {
                nodes.append(.leaf(number: leaves.count))
                leaves.append(node.value)
            }
        } else {
            parents.append(Parent(node: node, position: nodes.count, depth: depth))
            if node.isCategorical { categoryNodes.append(nodes.count) }
            nodes.append(PackedNode(value: bound(of: node), slot: slot(for: node), step: 0))
        }
    }

    /// Pairs of siblings that a line would take from below `parent`.
    private func pairCount(below parent: Parent, in tree: TreeEnsemble.Tree) -> Int {
        var splits = [parent.node]
        var count = 0
        while count < splits.count, count < Self.lineNodes / 2 {
            for child in [splits[count].left, splits[count].right] {
                let node = tree.nodes[Int(child)]
                if !node.isLeaf { splits.append(node) }
            }
            count += 1
        }
        return count
    }

    private mutating func fillLine() {
        while nodes.count % Self.lineNodes != 0 { nodes.append(.gap) }
    }

    /// What `node` compares its slot with, or the place of its set.
    private func bound(of node: TreeEnsemble.Node) -> Float {
        node.isCategorical
            ? Float(bitPattern: UInt32(categories.starts[Int(node.categorySet)]))
            : bound(of: node.value)
    }

    /// The smallest float32 that does not go left at a threshold.
    ///
    /// A float32 is at most a float64 if it is at most the next float32 below that.
    func bound(of threshold: Double) -> Float {
        var bound = Float(threshold)
        guard arithmetic == .double else { return bound }
        if Double(bound) > threshold { bound = bound.nextDown }
        return bound.nextUp
    }

    /// The number of the slot that `node` reads; 0 belongs to the leaves, and those of categories are
    /// counted apart for now.
    private mutating func slot(for node: TreeEnsemble.Node) -> UInt16 {
        if node.isCategorical {
            let feature = Int(node.feature)
            if let number = categoryNumbers[feature] { return number }
            let number = UInt16(categoryFeatures.count)
            categoryFeatures.append(feature)
            categoryNumbers[feature] = number
            return number
        }
        let slot = RowSlot(node, arithmetic)
        if let number = slotNumbers[slot] { return number }
        slots.append(slot)
        let number = UInt16(slots.count)
        slotNumbers[slot] = number
        return number
    }

    /// The slot of the prepared row that a split of the packed forest reads.
    func preparedSlot(of node: TreeEnsemble.Node) -> UInt16 {
        node.isCategorical
            ? categoryNumbers[Int(node.feature)]! + UInt16(slots.count + 1)
            : slotNumbers[RowSlot(node, arithmetic)]!
    }

    /// Whether a slot of the prepared row holds a category.
    func isCategorical(slot: UInt16) -> Bool { Int(slot) > slots.count }
}
