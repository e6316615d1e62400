// SPDX-License-Identifier: Apache-2.0

extension XGBoostJSONReader {
    /// Judges what was read: what kind of model it is first, then whether it is whole.
    func ensemble() throws(ImportError) -> TreeEnsemble {
        let objective = try checkedObjective()
        let margin = try baseMargin(objective)
        guard header.hasTrees else { throw .field("trees", problem: "is missing") }
        guard header.treeCount == trees.count else {
            throw .field("num_trees", problem: "does not agree with \(trees.count) trees")
        }
        guard header.treeGroups.count == trees.count else {
            throw .field(
                "tree_info",
                problem: "has \(header.treeGroups.count) entries for \(trees.count) trees")
        }
        guard header.treeGroups.allSatisfy({ $0 == 0 }) else {
            throw .unsupported("more than one output (tree_info)")
        }
        guard let featureCount = header.featureCount else {
            throw .field("num_feature", problem: "is missing")
        }
        return TreeEnsemble(
            trees: trees,
            featureCount: featureCount,
            featureNames: header.featureNames,
            objective: objective,
            link: try XGBoostObjective.link(of: objective),
            baseMargin: margin)
    }

    private func checkedObjective() throws(ImportError) -> String {
        guard let version = header.versionMajor else {
            throw .field("version", problem: "is missing: is this a model of XGBoost?")
        }
        guard (1...3).contains(version) else { throw .unsupported("XGBoost version \(version)") }
        guard let booster = header.booster else {
            throw .field("gradient_booster.name", problem: "is missing")
        }
        guard booster == "gbtree" else { throw .unsupported("booster \(booster)") }
        guard let objective = header.objective else {
            throw .field("objective.name", problem: "is missing")
        }
        _ = try XGBoostObjective.link(of: objective)
        guard header.classCount <= 1 else {
            throw .unsupported("\(header.classCount) classes (num_class)")
        }
        guard header.targetCount <= 1 else {
            throw .unsupported("\(header.targetCount) targets (num_target)")
        }
        guard header.parallelTreeCount <= 1 else {
            throw .unsupported("a boosted forest (num_parallel_tree \(header.parallelTreeCount))")
        }
        guard !header.hasCategoryEncoding else {
            throw .unsupported("a model of categorical columns (cats.enc)")
        }
        return objective
    }

    private func baseMargin(_ objective: String) throws(ImportError) -> Float {
        guard let scores = header.baseScore else {
            throw .field("base_score", problem: "is missing")
        }
        guard scores.count == 1 else {
            throw .unsupported("a base_score of \(scores.count) values")
        }
        return try XGBoostObjective.baseMargin(objective: objective, score: scores[0])
    }
}
