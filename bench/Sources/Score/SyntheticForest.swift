// SPDX-License-Identifier: Apache-2.0

import Base

/// A model of random full trees over features of -1 to 1, the same for the same seed.
struct SyntheticForest {
    private struct Node {
        var feature: Int
        /// The threshold of a split or the value of a leaf.
        var value: Float
    }

    let featureCount: Int
    let depth: Int
    /// Trees in breadth-first order: the children of node i are 2i + 1 and 2i + 2.
    private var trees: [[Node]]

    init(trees: Int, depth: Int, featureCount: Int, seed: UInt64) {
        self.featureCount = featureCount
        self.depth = depth
        var generator = SeededGenerator(seed: seed)
        let splits = 1 << depth - 1
        self.trees = (0..<trees).map { _ in
            (0..<2 * splits + 1).map { index in
                Node(
                    feature: .random(in: 0..<featureCount, using: &generator),
                    value: index < splits
                        ? .random(in: -0.9..<0.9, using: &generator)
                        : .random(in: -0.1..<0.1, using: &generator))
            }
        }
    }

    var treeCount: Int { trees.count }

    /// The same splits with every leaf negated: it decides the other way round.
    var inverted: SyntheticForest {
        var copy = self
        let splits = 1 << depth - 1
        for tree in trees.indices {
            for leaf in splits..<2 * splits + 1 { copy.trees[tree][leaf].value.negate() }
        }
        return copy
    }

    /// The raw output for `row`, by the simplest walk there is.
    func margin(of row: [Float]) -> Float {
        trees.reduce(0) { sum, nodes in
            var index = 0
            for _ in 0..<depth {
                let goesLeft = row[nodes[index].feature] < nodes[index].value
                index = 2 * index + (goesLeft ? 1 : 2)
            }
            return sum + nodes[index].value
        }
    }

    /// The model as XGBoost 3 saves it, for `binary:logistic` with a base score of one half.
    var json: [UInt8] {
        let splits = 1 << depth - 1
        let count = 2 * splits + 1
        func list(_ value: (Int) -> String) -> String {
            "[" + (0..<count).map(value).joined(separator: ",") + "]"
        }
        // The same in every tree.
        let shape = """
            "default_left":\(list { _ in "0" }),\
            "left_children":\(list { $0 < splits ? "\(2 * $0 + 1)" : "-1" }),\
            "right_children":\(list { $0 < splits ? "\(2 * $0 + 2)" : "-1" }),\
            "parents":\(list { $0 == 0 ? "2147483647" : "\(($0 - 1) / 2)" }),\
            "split_type":\(list { _ in "0" }),\
            "tree_param":{"num_deleted":"0","num_feature":"\(featureCount)",\
            "num_nodes":"\(count)","size_leaf_vector":"1"}
            """
        let bodies = trees.enumerated().map { id, nodes in
            """
            {"id":\(id),"categories":[],"split_indices":\(list { index in
                index < splits ? "\(nodes[index].feature)" : "0" }),\
            "split_conditions":\(list { "\(nodes[$0].value)" }),\(shape)}
            """
        }
        let text = """
            {"learner":{"attributes":{},"feature_names":[],"feature_types":[],\
            "gradient_booster":{"model":{"cats":{"enc":[]},\
            "gbtree_model_param":{"num_parallel_tree":"1","num_trees":"\(trees.count)"},\
            "iteration_indptr":[0,\(trees.count)],\
            "tree_info":[\(trees.map { _ in "0" }.joined(separator: ","))],\
            "trees":[\(bodies.joined(separator: ","))]},"name":"gbtree"},\
            "learner_model_param":{"base_score":"5E-1","boost_from_average":"1",\
            "num_class":"0","num_feature":"\(featureCount)","num_target":"1"},\
            "objective":{"name":"binary:logistic","reg_loss_param":{"scale_pos_weight":"1"}}},\
            "version":[3,2,0]}
            """
        return Array(text.utf8)
    }
}
