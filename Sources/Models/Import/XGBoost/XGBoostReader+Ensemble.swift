// SPDX-License-Identifier: Apache-2.0

extension XGBoostReader where Source: ~Escapable {
    /// Judges what was read: what kind of model it is first, then whether it is whole.
    func model() throws(ImportError) -> ImportedModel {
        guard let version = header.versionMajor else {
            throw .field("version", problem: "is missing: is this a model of XGBoost?")
        }
        guard (1...3).contains(version) else { throw .unsupported("XGBoost version \(version)") }
        guard let booster = header.booster else {
            throw .field("gradient_booster.name", problem: "is missing")
        }
        guard ["gbtree", "dart", "gblinear"].contains(booster) else {
            throw .unsupported("booster \(booster)")
        }
        guard let objective = header.objective else {
            throw .field("objective.name", problem: "is missing")
        }
        let link = try XGBoostObjective.link(of: objective)
        guard !header.hasCategoryEncoding else {
            throw .unsupported("a model of categorical columns (cats.enc)")
        }
        let outputs = max(header.classCount, header.targetCount, 1)
        guard outputs <= ImportLimits.outputsMax else {
            throw .limit("outputs", max: ImportLimits.outputsMax)
        }
        let needsClasses = link == .softmax || link == .largestIndex
        guard header.classCount <= 1 || needsClasses else {
            throw .field("num_class", problem: "\(header.classCount) with \(objective)")
        }
        guard !needsClasses || header.classCount > 1 else {
            throw .field("num_class", problem: "is missing, and \(objective) needs it")
        }
        guard header.classCount <= 1 || header.targetCount <= 1 else {
            throw .unsupported("classes of more than one target (num_target)")
        }
        guard let featureCount = header.featureCount else {
            throw .field("num_feature", problem: "is missing")
        }
        let margins = try baseMargins(objective, outputs: outputs)
        if booster == "gblinear" {
            return .linear(
                try linear(objective, link, outputs: outputs, features: featureCount, margins))
        }
        return .trees(
            TreeEnsemble(
                trees: try weightedTrees(booster, outputs: outputs),
                featureCount: featureCount,
                featureNames: header.featureNames,
                objective: objective,
                link: link,
                arithmetic: .single,
                baseMargins: margins,
                categories: categories))
    }

    private func baseMargins(
        _ objective: String, outputs: Int
    ) throws(ImportError) -> [Double] {
        guard let scores = header.baseScore else {
            throw .field("base_score", problem: "is missing")
        }
        guard scores.count == 1 || scores.count == outputs else {
            throw .field(
                "base_score", problem: "has \(scores.count) values for \(outputs) outputs")
        }
        var margins: [Double] = []
        for score in scores {
            margins.append(
                Double(try XGBoostObjective.baseMargin(objective: objective, score: score)))
        }
        return margins.count == outputs
            ? margins : [Double](repeating: margins[0], count: outputs)
    }

    /// The trees with their outputs; a dart's leaves are multiplied by the tree's weight.
    private func weightedTrees(
        _ booster: String, outputs: Int
    ) throws(ImportError) -> [TreeEnsemble.Tree] {
        guard header.hasTrees else { throw .field("trees", problem: "is missing") }
        guard header.treeCount == trees.count else {
            throw .field("num_trees", problem: "does not agree with \(trees.count) trees")
        }
        guard header.treeGroups.count == trees.count else {
            throw .field(
                "tree_info",
                problem: "has \(header.treeGroups.count) entries for \(trees.count) trees")
        }
        var weighted = trees
        for (tree, group) in header.treeGroups.enumerated() {
            guard group < outputs else {
                throw .tree(tree, problem: "tree_info: \(group) is outside 0..<\(outputs)")
            }
            weighted[tree].output = Int32(group)
        }
        guard booster == "dart" else {
            guard header.treeWeights == nil else {
                throw .field("weight_drop", problem: "belongs to a dart, but this is a \(booster)")
            }
            return weighted
        }
        guard let weights = header.treeWeights, weights.count == trees.count else {
            throw .field(
                "weight_drop",
                problem: "has \(header.treeWeights?.count ?? 0) entries for \(trees.count) trees")
        }
        for (tree, weight) in weights.enumerated() {
            for node in weighted[tree].nodes.indices where weighted[tree].nodes[node].isLeaf {
                let value = Float(weighted[tree].nodes[node].value) * weight
                weighted[tree].nodes[node].value = Double(value)
            }
        }
        return weighted
    }

    private func linear(
        _ objective: String, _ link: Link, outputs: Int, features: Int, _ margins: [Double]
    ) throws(ImportError) -> LinearModel {
        guard features <= ImportLimits.featuresMax else {
            throw .limit("features", max: ImportLimits.featuresMax)
        }
        // XGBoost 3.2 starts every output from the first value: which it should be is not sure.
        guard margins.allSatisfy({ $0 == margins[0] }) else {
            throw .unsupported("a gblinear with a base_score per output")
        }
        guard let weights = header.linearWeights, weights.count == (features + 1) * outputs else {
            throw .field(
                "weights",
                problem: "has \(header.linearWeights?.count ?? 0) values for \(features) features "
                    + "and \(outputs) outputs")
        }
        return LinearModel(
            featureCount: features,
            featureNames: header.featureNames,
            objective: objective,
            link: link,
            arithmetic: .single,
            // The bias is added to the base score first, in float32.
            baseMargins: (0..<outputs).map {
                Double(weights[features * outputs + $0] + Float(margins[$0]))
            },
            terms: (0..<outputs).map { output in
                (0..<features).map {
                    .weight(Double(weights[$0 * outputs + output]), missing: 0)
                }
            })
    }
}
