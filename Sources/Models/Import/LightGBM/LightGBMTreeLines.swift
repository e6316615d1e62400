// SPDX-License-Identifier: Apache-2.0

/// The lines that describe one tree.
struct LightGBMTreeLines {
    private var integers: [String: [Int]] = [:]
    private var doubles: [String: [Double]] = [:]
    private var seen: Set<String> = []

    /// Bits of `decision_type`.
    private enum Decision {
        static let categorical = 1
        static let defaultLeft = 2
        static let missingShift = 2
        static let max = 15
    }

    /// Takes in one line; what evaluation does not need is passed over.
    mutating func read(
        _ key: String, _ value: Range<Int>, _ lines: borrowing LineReader, tree: Int
    ) throws(ImportError) {
        guard seen.insert(key).inserted else { throw .tree(tree, problem: "\(key) appears twice") }
        guard seen.count <= ImportLimits.keysMax else {
            throw .limit("keys in one object", max: ImportLimits.keysMax)
        }
        do throws(ImportError) {
            switch key {
            case "num_leaves", "num_cat", "split_feature", "decision_type", "left_child",
                "right_child", "leaf_count", "internal_count", "cat_boundaries", "cat_threshold",
                "is_linear":
                integers[key] = try lines.integers(
                    value,
                    atMost: key == "cat_threshold"
                        ? ImportLimits.categoryWordsMax : ImportLimits.treeNodesMax,
                    called: "values in a line")
            case "threshold", "leaf_value":
                doubles[key] = try lines.doubles(
                    value, atMost: ImportLimits.treeNodesMax, called: "values in a line",
                    orInfinity: key == "threshold")
            default: break
            }
        } catch {
            guard case .syntax(_, let problem) = error else { throw error }
            throw .tree(tree, problem: "\(key): \(problem)")
        }
    }

    /// The splits and then the leaves of tree number `tree`; its sets join `sets`.
    func nodes(
        tree: Int, categories sets: inout CategorySets
    ) throws(ImportError) -> [TreeEnsemble.Node] {
        guard let leafCount = integers["num_leaves"]?.first else {
            throw .tree(tree, problem: "num_leaves is missing")
        }
        guard leafCount > 0 else { throw .tree(tree, problem: "has no leaves") }
        guard leafCount <= (ImportLimits.treeNodesMax + 1) / 2 else {
            throw .tree(tree, problem: "has more than \(ImportLimits.treeNodesMax) nodes")
        }
        if integers["is_linear"]?.contains(where: { $0 != 0 }) == true {
            throw .unsupported("a linear tree (tree \(tree))")
        }
        let splitCount = leafCount - 1
        for (name, count, expected) in [
            ("leaf_value", doubles["leaf_value"]?.count, leafCount),
            ("split_feature", integers["split_feature"]?.count, splitCount),
            ("threshold", doubles["threshold"]?.count, splitCount),
            ("decision_type", integers["decision_type"]?.count, splitCount),
            ("left_child", integers["left_child"]?.count, splitCount),
            ("right_child", integers["right_child"]?.count, splitCount),
        ] where (count ?? 0) != expected {
            throw .tree(
                tree, problem: "num_leaves is \(leafCount), but \(name) has \(count ?? 0) values")
        }
        let covers = (integers["internal_count"] ?? []) + (integers["leaf_count"] ?? [])
        let hasCovers = covers.count == splitCount + leafCount
        func cover(_ index: Int) -> Float { hasCovers ? Float(covers[index]) : 0 }

        var nodes: [TreeEnsemble.Node] = []
        nodes.reserveCapacity(splitCount + leafCount)
        for split in 0..<splitCount {
            var node = try self.split(split, tree: tree, leafCount: leafCount, sets: &sets)
            node.cover = cover(split)
            nodes.append(node)
        }
        for leaf in 0..<leafCount {
            nodes.append(
                TreeEnsemble.Node(
                    value: doubles["leaf_value"]![leaf], cover: cover(splitCount + leaf)))
        }
        return nodes
    }

    private func split(
        _ index: Int, tree: Int, leafCount: Int, sets: inout CategorySets
    ) throws(ImportError) -> TreeEnsemble.Node {
        func refuse(_ problem: String) -> ImportError {
            .node(tree: tree, node: index, problem: problem)
        }
        func child(_ name: String) throws(ImportError) -> Int32 {
            let child = integers[name]![index]
            guard (-leafCount..<leafCount - 1).contains(child) else {
                throw refuse("\(name) \(child) is outside \(-leafCount)..<\(leafCount - 1)")
            }
            return Int32(child < 0 ? leafCount - 1 + ~child : child)
        }
        let decision = integers["decision_type"]![index]
        guard (0...Decision.max).contains(decision) else {
            throw refuse("decision_type \(decision) is outside 0...\(Decision.max)")
        }
        guard let missing = TreeEnsemble.Missing(lightGBM: decision >> Decision.missingShift) else {
            throw refuse("decision_type \(decision) names no way of missing")
        }
        let feature = integers["split_feature"]![index]
        var node = TreeEnsemble.Node(
            left: try child("left_child"),
            right: try child("right_child"),
            feature: Int32(clamping: feature),
            value: doubles["threshold"]![index],
            missingGoesLeft: decision & Decision.defaultLeft != 0,
            missing: missing)
        guard decision & Decision.categorical != 0 else { return node }
        let bounds = integers["cat_boundaries"] ?? []
        let words = integers["cat_threshold"] ?? []
        guard let set = Int(exactly: node.value), set >= 0, set < bounds.count - 1 else {
            throw refuse("its set of categories is outside 0..<\(max(bounds.count - 1, 0))")
        }
        guard bounds[set] >= 0, bounds[set] <= bounds[set + 1], bounds[set + 1] <= words.count
        else { throw refuse("its categories are outside 0..<\(words.count)") }
        var bits: [UInt32] = []
        for word in words[bounds[set]..<bounds[set + 1]] {
            guard let word = UInt32(exactly: word) else {
                throw refuse("cat_threshold \(word) is not a word of 32 bits")
            }
            bits.append(word)
        }
        node.categorySet = try sets.append(bits: bits, membersGoLeft: true, missingGoesLeft: false)
        node.value = 0
        return node
    }
}

extension TreeEnsemble.Missing {
    /// By the number that LightGBM gives it.
    fileprivate init?(lightGBM number: Int) {
        switch number {
        case 0: self = .never
        case 1: self = .nanOrZero
        case 2: self = .nan
        default: return nil
        }
    }
}
