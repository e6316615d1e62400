// SPDX-License-Identifier: Apache-2.0

extension LightGBMReader {
    /// Judges what was read.
    func ensemble() throws(ImportError) -> TreeEnsemble {
        guard let version = header.version else {
            throw .field("version", problem: "is missing: is this a model of LightGBM?")
        }
        guard ["v2", "v3", "v4"].contains(version) else {
            throw .unsupported("LightGBM text version \(version)")
        }
        guard let indexMax = header.featureIndexMax, indexMax >= 0 else {
            throw .field("max_feature_idx", problem: "is missing")
        }
        guard indexMax < ImportLimits.featuresMax else {
            throw .limit("features", max: ImportLimits.featuresMax)
        }
        let outputs = header.treesPerIteration ?? 1
        guard outputs >= 1, outputs <= ImportLimits.outputsMax else {
            throw .limit("outputs", max: ImportLimits.outputsMax)
        }
        guard (header.classCount ?? outputs) == outputs else {
            throw .field(
                "num_class",
                problem: "\(header.classCount ?? 0) with \(outputs) trees per iteration")
        }
        guard trees.count % outputs == 0 else {
            throw .field(
                "num_tree_per_iteration", problem: "\(outputs) does not divide \(trees.count) trees"
            )
        }
        if let sizes = header.treeSizes, sizes != trees.count {
            throw .field("tree_sizes", problem: "has \(sizes) entries for \(trees.count) trees")
        }
        let link = try LightGBMObjective.link(of: header.objective, outputs: outputs)
        var ensemble = TreeEnsemble(
            trees: trees,
            featureCount: indexMax + 1,
            featureNames: header.featureNames,
            featureCategories: try frameCategories(featureCount: indexMax + 1),
            objective: header.objective?.joined(separator: " ") ?? "none",
            link: link,
            arithmetic: .double,
            baseMargins: [Double](repeating: 0, count: outputs),
            divisor: header.isAveraged ? Double(max(trees.count / outputs, 1)) : 1,
            categories: categories)
        for index in ensemble.trees.indices {
            ensemble.trees[index].output = Int32(index % outputs)
        }
        return ensemble
    }

    /// The categories of a data frame, given to the features that are categorical.
    private func frameCategories(featureCount: Int) throws(ImportError) -> [Int: [String]] {
        guard !header.frameCategories.isEmpty else { return [:] }
        let features = header.isCategorical.indices.filter { header.isCategorical[$0] }
        // A constant column is not told apart from a number, and then the columns do not pair up.
        guard features.count == header.frameCategories.count,
            header.isCategorical.count == featureCount
        else {
            throw .field(
                "pandas_categorical",
                problem: "has \(header.frameCategories.count) columns for \(features.count) "
                    + "categorical features")
        }
        return Dictionary(uniqueKeysWithValues: zip(features, header.frameCategories))
    }
}
