// SPDX-License-Identifier: Apache-2.0

/// Reads a model that XGBoost 1.x, 2.x or 3.x saved as JSON or UBJSON (`Booster.save_model`).
///
/// Layout: <https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html>. Keys may come in
/// any order, so what the document says about itself is collected first and judged at the end.
struct XGBoostReader<Source: PullReader & ~Escapable>: ~Escapable {
    var source: Source
    var header = XGBoostHeader()
    var trees: [TreeEnsemble.Tree] = []
    var nodeCount = 0
    var categories = CategorySets()
    var columns = XGBoostTreeColumns()

    @_lifetime(copy source)
    init(_ source: consuming Source) {
        self.source = source
    }

    /// The model in the document, not yet verified.
    mutating func read() throws(ImportError) -> ImportedModel {
        try readDocument()
        return try model()
    }

    private mutating func readDocument() throws(ImportError) {
        try source.enterObject()
        while try source.nextKey() {
            if source.keyIs("learner") {
                try readLearner()
            } else if source.keyIs("version") {
                let version = try integers(atMost: 3, called: "version", in: 0...1_000)
                header.versionMajor = version.first
            } else {
                try source.skip()
            }
        }
        try source.finish()
    }

    private mutating func readLearner() throws(ImportError) {
        try source.enterObject()
        while try source.nextKey() {
            if source.keyIs("gradient_booster") {
                try readBooster()
            } else if source.keyIs("learner_model_param") {
                try readLearnerParameters()
            } else if source.keyIs("objective") {
                try source.enterObject()
                while try source.nextKey() {
                    if source.keyIs("name") {
                        header.objective = try source.string()
                    } else {
                        try source.skip()
                    }
                }
            } else if source.keyIs("feature_names") {
                try source.enterArray()
                while try source.nextElement() {
                    guard header.featureNames.count < ImportLimits.featuresMax else {
                        throw .limit("features", max: ImportLimits.featuresMax)
                    }
                    header.featureNames.append(try source.string())
                }
            } else {
                try source.skip()
            }
        }
    }

    private mutating func readLearnerParameters() throws(ImportError) {
        try source.enterObject()
        while try source.nextKey() {
            if source.keyIs("base_score") {
                header.baseScore = try baseScore()
            } else if source.keyIs("num_class") {
                header.classCount = try count(in: "num_class")
            } else if source.keyIs("num_target") {
                header.targetCount = try count(in: "num_target")
            } else if source.keyIs("num_feature") {
                header.featureCount = try count(in: "num_feature")
            } else {
                try source.skip()
            }
        }
    }

    private mutating func readBooster() throws(ImportError) {
        try source.enterObject()
        while try source.nextKey() {
            if source.keyIs("name") {
                header.booster = try source.string()
            } else if source.keyIs("model") {
                try readModel()
            } else if source.keyIs("gbtree") {
                // What a dart held before it became a model of its own.
                try source.enterObject()
                while try source.nextKey() { try readBoosterOfDart() }
            } else if source.keyIs("weight_drop") {
                header.treeWeights = try floats(
                    atMost: ImportLimits.treesMax, called: "trees")
            } else {
                try source.skip()
            }
        }
    }

    private mutating func readBoosterOfDart() throws(ImportError) {
        if source.keyIs("model") { try readModel() } else { try source.skip() }
    }
}
