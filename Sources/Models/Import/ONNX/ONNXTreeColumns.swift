// SPDX-License-Identifier: Apache-2.0

/// The attributes that describe an ensemble, one element per node or per leaf's weight.
struct ONNXTreeColumns {
    private let treeIDs: [Int64]
    private let nodeIDs: [Int64]
    private let features: [Int64]
    private let thresholds: [Float]
    private let modes: [String]
    private let trueIDs: [Int64]
    private let falseIDs: [Int64]
    private let missingIsTrue: [Int64]
    private let leafTrees: [Int64]
    private let leafNodes: [Int64]
    let leafOutputs: [Int64]
    let weights: [Float]

    /// Which node of which tree.
    private struct Place: Hashable {
        var tree: Int64
        var node: Int64
    }

    var treeCount: Int { Set(treeIDs).count }

    init(_ node: ONNXModel.Node, isClassifier: Bool) throws(ImportError) {
        func ints(_ name: String) -> [Int64] { node.attributes[name]?.ints ?? [] }
        let prefix = isClassifier ? "class" : "target"
        treeIDs = ints("nodes_treeids")
        nodeIDs = ints("nodes_nodeids")
        features = ints("nodes_featureids")
        thresholds = node.attributes["nodes_values"]?.floats ?? []
        modes = node.attributes["nodes_modes"]?.strings ?? []
        trueIDs = ints("nodes_truenodeids")
        falseIDs = ints("nodes_falsenodeids")
        missingIsTrue = ints("nodes_missing_value_tracks_true")
        leafTrees = ints("\(prefix)_treeids")
        leafNodes = ints("\(prefix)_nodeids")
        leafOutputs = ints("\(prefix)_ids")
        weights = node.attributes["\(prefix)_weights"]?.floats ?? []
        let count = treeIDs.count
        guard count > 0 else { throw .field(node.op, problem: "has no nodes") }
        guard count <= ImportLimits.nodesMax, weights.count <= ImportLimits.nodesMax else {
            throw .limit("nodes", max: ImportLimits.nodesMax)
        }
        for (name, other) in [
            ("nodes_nodeids", nodeIDs.count), ("nodes_featureids", features.count),
            ("nodes_values", thresholds.count), ("nodes_modes", modes.count),
            ("nodes_truenodeids", trueIDs.count), ("nodes_falsenodeids", falseIDs.count),
            (
                "nodes_missing_value_tracks_true",
                missingIsTrue.isEmpty ? count : missingIsTrue.count
            ),
        ] where other != count {
            throw .field(
                node.op, problem: "nodes_treeids has \(count) entries, but \(name) \(other)")
        }
        for (name, other) in [
            ("nodeids", leafNodes.count), ("ids", leafOutputs.count), ("weights", weights.count),
        ] where other != leafTrees.count {
            throw .field(
                node.op,
                problem: "\(prefix)_treeids has \(leafTrees.count) entries, but \(prefix)_\(name) "
                    + "\(other)")
        }
    }

    /// Adds the trees to `ensemble`: one copy for each output that a tree's leaves speak of.
    ///
    /// Returns the number of nodes of all copies.
    func addTrees(
        to ensemble: inout TreeEnsemble, outputs: Int, isBinary: Bool
    ) throws(ImportError) -> Int {
        var places: [Place: Int] = [:]
        var order: [Int64] = []
        var members: [Int64: [Int]] = [:]
        for index in treeIDs.indices {
            let place = Place(tree: treeIDs[index], node: nodeIDs[index])
            if members[place.tree] == nil { order.append(place.tree) }
            let position = members[place.tree]?.count ?? 0
            guard places.updateValue(position, forKey: place) == nil else {
                throw .field(
                    "nodes_nodeids", problem: "\(place.node) comes twice in tree \(place.tree)")
            }
            members[place.tree, default: []].append(index)
        }
        var leaves: [Int64: [Int]] = [:]
        for index in leafTrees.indices { leaves[leafTrees[index], default: []].append(index) }
        var total = 0
        for (number, tree) in order.enumerated() {
            guard number < ImportLimits.treesMax else {
                throw .limit("trees", max: ImportLimits.treesMax)
            }
            var nodes: [TreeEnsemble.Node] = []
            for index in members[tree]! {
                nodes.append(try self.node(index, number: number, places))
            }
            var perOutput: [Int64: [Int]] = [:]
            for index in leaves[tree] ?? [] {
                perOutput[leafOutputs[index], default: []].append(index)
            }
            for (output, entries) in perOutput.sorted(by: { $0.key < $1.key }) {
                guard output >= 0, output < Int64(outputs) else {
                    throw .tree(number, problem: "adds to output \(output), which there is not")
                }
                total += nodes.count
                guard total <= ImportLimits.nodesMax else {
                    throw .limit("nodes", max: ImportLimits.nodesMax)
                }
                var copy = nodes
                for entry in entries {
                    let place = Place(tree: tree, node: leafNodes[entry])
                    guard let position = places[place], copy[position].isLeaf else {
                        throw .tree(
                            number, problem: "a weight is for \(place.node), which is no leaf")
                    }
                    copy[position].value += Double(weights[entry])
                }
                ensemble.trees.append(
                    TreeEnsemble.Tree(nodes: copy, output: isBinary ? 0 : Int32(output)))
            }
        }
        return total
    }

    private func node(
        _ index: Int, number: Int, _ places: [Place: Int]
    ) throws(ImportError) -> TreeEnsemble.Node {
        if modes[index] == "LEAF" { return TreeEnsemble.Node() }
        func child(_ id: Int64) throws(ImportError) -> Int32 {
            guard let position = places[Place(tree: treeIDs[index], node: id)] else {
                throw .node(
                    tree: number, node: Int(clamping: nodeIDs[index]),
                    problem: "child \(id) is no node")
            }
            return Int32(clamping: position)
        }
        let whenTrue = try child(trueIDs[index])
        let whenFalse = try child(falseIDs[index])
        // A comparison with NaN is false, unless missing values are said to follow the true branch.
        let missingIsTrue = !missingIsTrue.isEmpty && missingIsTrue[index] != 0
        let threshold = thresholds[index]
        // An infinite bound says: whatever is not missing. The largest number cannot say it.
        let isInclusive = modes[index] == "BRANCH_LEQ" || modes[index] == "BRANCH_GT"
        guard
            threshold.isFinite
                ? threshold < .greatestFiniteMagnitude || !isInclusive
                : threshold == .infinity && isInclusive
        else {
            throw .node(
                tree: number, node: Int(clamping: nodeIDs[index]),
                problem: "the threshold \(threshold) is not finite")
        }
        let (isBelow, bound): (Bool, Float) =
            switch modes[index] {
            case "BRANCH_LT": (true, threshold)
            case "BRANCH_LEQ": (true, threshold.nextUp)
            case "BRANCH_GTE": (false, threshold)
            case "BRANCH_GT": (false, threshold.nextUp)
            default: throw ImportError.unsupported("a node of mode \(modes[index])")
            }
        return TreeEnsemble.Node(
            left: isBelow ? whenTrue : whenFalse,
            right: isBelow ? whenFalse : whenTrue,
            feature: Int32(clamping: features[index]),
            value: Double(bound),
            missingGoesLeft: isBelow == missingIsTrue)
    }
}
