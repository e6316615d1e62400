// SPDX-License-Identifier: Apache-2.0

/// A model file to be made wrong: fields hold JSON text, so that anything can be written.
struct XGBoostText {
    var version = "[3,2,0]"
    var booster = "\"gbtree\""
    var objective = "\"binary:logistic\""
    var baseScore = "\"5E-1\""
    var classCount = "\"0\""
    var targetCount = "\"1\""
    var featureCount = "\"2\""
    var featureNames = "[]"
    var treeCount: String?
    var parallelTreeCount = "\"1\""
    var treeInfo: String?
    var categoryEncoding = "[]"
    var trees = [Tree()]

    /// A root that splits feature 0 at 0.5 and a left child that splits feature 1 at -1.
    struct Tree {
        var left = "[1,3,-1,-1,-1]"
        var right = "[2,4,-1,-1,-1]"
        var splitIndices = "[0,1,0,0,0]"
        var splitConditions = "[5E-1,-1E0,1E1,2E1,3E1]"
        var defaultLeft = "[1,0,0,0,0]"
        var splitType = "[0,0,0,0,0]"
        var nodeCount = "\"5\""
        var leafVectorSize = "\"1\""
        var more = ""

        var json: String {
            """
            {"base_weights":[0E0],"default_left":\(defaultLeft),"id":0,\
            "left_children":\(left),"parents":[2147483647],"right_children":\(right),\
            "split_conditions":\(splitConditions),"split_indices":\(splitIndices),\
            "split_type":\(splitType),"tree_param":{"num_deleted":"0",\
            "num_feature":"2","num_nodes":\(nodeCount),"size_leaf_vector":\(leafVectorSize)}\(more)}
            """
        }
    }

    /// `count` copies of the usual tree and then `last`.
    static func ending(in last: Tree, after count: Int = 0) -> XGBoostText {
        var text = XGBoostText()
        text.trees = Array(repeating: Tree(), count: count) + [last]
        return text
    }

    var json: String {
        let count = treeCount ?? "\"\(trees.count)\""
        let info = treeInfo ?? "[\(trees.map { _ in "0" }.joined(separator: ","))]"
        return """
            {"learner":{"attributes":{},"feature_names":\(featureNames),"feature_types":[],\
            "gradient_booster":{"model":{"cats":{"enc":\(categoryEncoding)},\
            "gbtree_model_param":{"num_parallel_tree":\(parallelTreeCount),"num_trees":\(count)},\
            "iteration_indptr":[0,1],"tree_info":\(info),\
            "trees":[\(trees.map(\.json).joined(separator: ","))]},"name":\(booster)},\
            "learner_model_param":{"base_score":\(baseScore),"boost_from_average":"1",\
            "num_class":\(classCount),"num_feature":\(featureCount),"num_target":\(targetCount)},\
            "objective":{"name":\(objective),"reg_loss_param":{"scale_pos_weight":"1"}}},\
            "version":\(version)}
            """
    }
}
