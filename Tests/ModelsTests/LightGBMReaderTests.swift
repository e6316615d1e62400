// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

/// Text that describes something other than trees; each refusal names the tree and the node.
@Suite struct LightGBMReaderTests {
    private func file(_ change: (old: String, new: String)? = nil) -> String {
        let sound = """
            tree
            version=v4
            num_class=1
            num_tree_per_iteration=1
            label_index=0
            max_feature_idx=1
            objective=binary sigmoid:1
            feature_names=age city
            feature_infos=[0:9] 0:1:2
            tree_sizes=10

            Tree=0
            num_leaves=3
            num_cat=1
            split_feature=0 1
            threshold=2.5 0
            decision_type=10 9
            left_child=1 -1
            right_child=-3 -2
            leaf_value=1 2 4
            leaf_count=5 6 7
            internal_count=18 11
            cat_boundaries=0 1
            cat_threshold=6
            is_linear=0
            shrinkage=0.1

            end of trees

            pandas_categorical:null
            """
        guard let change else { return sound }
        precondition(sound.contains(change.old))
        return sound.replacing(change.old, with: change.new, maxReplacements: 1)
    }

    @Test func `the sound file is read and walked`() throws {
        let model = try importModel(file(), .lightGBMText)
        #expect(model.evaluate([2.5, 1] as [Float]).margins == [1])
        #expect(model.evaluate([2.5, 0] as [Float]).margins == [2])
        #expect(model.evaluate([2.5, .nan] as [Float]).margins == [2])
        #expect(model.evaluate([.nan, 2.9] as [Float]).margins == [1])
        #expect(model.evaluate([Float(2.5).nextUp, 1] as [Float]).margins == [4])
        #expect(model.summary.featureNames == ["age", "city"])
    }

    @Test func `lines may end as Windows ends them`() throws {
        let text = file().replacing("\n", with: "\r\n")
        #expect(try importModel(text, .lightGBMText).evaluate([9, 0] as [Float]).margins == [4])
    }

    @Test func `texts of a data frame become categories`() throws {
        let text = file(("pandas_categorical:null", "pandas_categorical:[[\"Oslo\", \"Rome\"]]"))
        let model = try importModel(text, .lightGBMText)
        #expect(model.inputs.map(\.categories) == [[], ["Oslo", "Rome"]])
    }

    @Test(arguments: [
        ("version=v4", "version=v5", "LightGBM text version v5 is not supported"),
        ("tree\n", "forest\n", "tree: is not the first line: is this a model of LightGBM?"),
        ("objective=binary sigmoid:1", "objective=binary sigmoid:0", "objective: sigmoid:0 is not"),
        ("objective=binary sigmoid:1", "objective=binary weird:1", "objective binary weird:1 is"),
        ("objective=binary sigmoid:1", "objective=ziplog", "objective ziplog is not supported"),
        ("objective=binary sigmoid:1", "objective=multiclass num_class:1", "multiclass with 1 out"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=2", "num_class: 1 with 2 trees"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=0", "more than 1000 outputs"),
        ("max_feature_idx=1", "max_feature_idx=4096", "more than 4096 features"),
        ("max_feature_idx=1", "max_feature_idx=-1", "max_feature_idx: is missing"),
        ("max_feature_idx=1", "max_feature_idx=0", "feature_names: 2 names for 1 features"),
        ("tree_sizes=10", "tree_sizes=10 20", "tree_sizes: has 2 entries for 1 trees"),
        ("num_class=1", "num_class=1\nnum_class=1", "num_class: appears twice"),
        ("Tree=0", "Tree=1", "tree 0: is numbered 1"),
        ("num_leaves=3", "num_leaves=0", "tree 0: has no leaves"),
        ("num_leaves=3", "num_leaves=4", "tree 0: num_leaves is 4, but leaf_value has 3 values"),
        ("num_leaves=3", "num_leaves=99999999", "tree 0: has more than 65535 nodes"),
        ("num_leaves=3", "num_leaves=3\nnum_leaves=3", "tree 0: num_leaves appears twice"),
        ("left_child=1 -1", "left_child=5 -1", "tree 0 node 0: left_child 5 is outside -3..<2"),
        ("left_child=1 -1", "left_child=-4 -1", "tree 0 node 0: left_child -4 is outside -3..<2"),
        ("left_child=1 -1", "left_child=0 -1", "tree 0 node 0: left child 0 is already reached"),
        ("left_child=1 -1", "left_child=-3 -1", "is already reached by another way"),
        (
            "left_child=1 -1", "left_child=99999999999999999999 -1",
            "tree 0: left_child: expected a whole number"
        ),
        ("split_feature=0 1", "split_feature=2 1", "tree 0 node 0: feature 2 is outside 0..<2"),
        ("split_feature=0 1", "split_feature=-1 1", "tree 0 node 0: feature -1 is outside 0..<2"),
        ("threshold=2.5 0", "threshold=nan 0", "tree 0: threshold: expected a number"),
        ("threshold=2.5 0", "threshold=1e400 0", "tree 0: threshold: the number is too large"),
        ("threshold=2.5 0", "threshold=2.5 1", "its set of categories is outside 0..<1"),
        ("threshold=2.5 0", "threshold=2.5 -1", "its set of categories is outside 0..<1"),
        ("threshold=2.5 0", "threshold=2.5 inf", "its set of categories is outside 0..<1"),
        ("cat_boundaries=0 1", "cat_boundaries=0 2", "its categories are outside 0..<1"),
        ("cat_boundaries=0 1", "cat_boundaries=1 0", "its categories are outside 0..<1"),
        ("cat_threshold=6", "cat_threshold=4294967296", "is not a word of 32 bits"),
        ("cat_threshold=6", "cat_threshold=-1", "is not a word of 32 bits"),
        ("decision_type=10 9", "decision_type=16 9", "decision_type 16 is outside 0...15"),
        ("decision_type=10 9", "decision_type=12 9", "decision_type 12 names no way of missing"),
        ("leaf_value=1 2 4", "leaf_value=1 nan 4", "tree 0: leaf_value: expected a number"),
        ("leaf_value=1 2 4", "leaf_value=1 inf 4", "tree 0: leaf_value: expected a number"),
        ("leaf_value=1 2 4", "leaf_value=1 1e999 4", "tree 0: leaf_value: the number is too large"),
        ("leaf_value=1 2 4", "leaf_value=1 2-2 4", "tree 0: leaf_value: expected a number"),
        ("is_linear=0", "is_linear=1", "a linear tree (tree 0) is not supported"),
        ("end of trees", "", "end of trees: is missing: is the file whole?"),
        (
            "pandas_categorical:null", "pandas_categorical:[[1,2]]",
            "a data frame's categories that are not texts (pandas_categorical) is not supported"
        ),
        (
            "pandas_categorical:null", "pandas_categorical:[[\"a\"],[\"b\"]]",
            "pandas_categorical: has 2 columns for 1 categorical features"
        ),
    ])
    func `a file that lies is refused by what is wrong`(
        _ old: String, _ new: String, _ problem: String
    ) throws {
        let message = try #require(refusal(Array(file((old, new)).utf8), .lightGBMText))
        #expect(message.contains(problem))
    }

    @Test func `a model whose leaves have no counts scores and has no contributions`() throws {
        let model = try importModel(file(("leaf_count=5 6 7\n", "")), .lightGBMText)
        #expect(!model.hasContributions)
        #expect(model.evaluate([9, 0] as [Float]).margins == [4])
    }

    @Test func `a value between two float32 is compared in float64`() throws {
        let model = try importModel(
            file(("threshold=2.5 0", "threshold=2.5000000000000004 0")), .lightGBMText)
        #expect(model.evaluate([2.5000000000000004, 0] as [Double]).margins == [2])
        #expect(model.evaluate([2.500000000000001, 0] as [Double]).margins == [4])
        #expect(model.evaluate([2.5, 0] as [Float]).margins == [2])
        #expect(model.evaluate([Float(2.5).nextUp, 0]).margins == [4])
    }
}
