// SPDX-License-Identifier: Apache-2.0

/// Reads a model that XGBoost 1.x, 2.x or 3.x saved as JSON (`Booster.save_model("model.json")`).
///
/// Layout: <https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html>. Keys may come in
/// any order, so what the document says about itself is collected first and judged at the end.
struct XGBoostJSONReader: ~Escapable {
    var json: JSONReader
    var header = Header()
    var trees: [TreeEnsemble.Tree] = []
    var nodeCount = 0
    var columns = XGBoostTreeColumns()

    /// What the file says outside its trees.
    struct Header {
        var versionMajor: Int?
        var booster: String?
        var objective: String?
        var baseScore: [Float]?
        var classCount = 0
        var targetCount = 1
        var featureCount: Int?
        var featureNames: [String] = []
        var treeCount: Int?
        var parallelTreeCount = 1
        var treeGroups: [Int] = []
        var hasCategoryEncoding = false
        var hasTrees = false
    }

    /// The ensemble in `bytes`, not yet verified.
    static func read(_ bytes: Span<UInt8>) throws(ImportError) -> TreeEnsemble {
        var reader = XGBoostJSONReader(bytes)
        try reader.readDocument()
        return try reader.ensemble()
    }

    @_lifetime(copy bytes)
    private init(_ bytes: Span<UInt8>) {
        json = JSONReader(bytes)
    }

    private mutating func readDocument() throws(ImportError) {
        try json.enterObject()
        while try json.nextKey() {
            if json.keyIs("learner") {
                try readLearner()
            } else if json.keyIs("version") {
                let version = try integers(atMost: 3, called: "version", in: 0...1_000)
                header.versionMajor = version.first
            } else {
                try json.skip()
            }
        }
        try json.finish()
    }

    private mutating func readLearner() throws(ImportError) {
        try json.enterObject()
        while try json.nextKey() {
            if json.keyIs("gradient_booster") {
                try readBooster()
            } else if json.keyIs("learner_model_param") {
                try readLearnerParameters()
            } else if json.keyIs("objective") {
                try json.enterObject()
                while try json.nextKey() {
                    if json.keyIs("name") {
                        header.objective = try json.string()
                    } else {
                        try json.skip()
                    }
                }
            } else if json.keyIs("feature_names") {
                try json.enterArray()
                while try json.nextElement() {
                    guard header.featureNames.count < ImportLimits.featuresMax else {
                        throw .limit("features", max: ImportLimits.featuresMax)
                    }
                    header.featureNames.append(try json.string())
                }
            } else {
                try json.skip()
            }
        }
    }

    private mutating func readLearnerParameters() throws(ImportError) {
        try json.enterObject()
        while try json.nextKey() {
            if json.keyIs("base_score") {
                header.baseScore = try baseScore()
            } else if json.keyIs("num_class") {
                header.classCount = try count(in: "num_class")
            } else if json.keyIs("num_target") {
                header.targetCount = try count(in: "num_target")
            } else if json.keyIs("num_feature") {
                header.featureCount = try count(in: "num_feature")
            } else {
                try json.skip()
            }
        }
    }

    private mutating func readBooster() throws(ImportError) {
        try json.enterObject()
        while try json.nextKey() {
            if json.keyIs("name") {
                header.booster = try json.string()
            } else if json.keyIs("model") {
                try readModel()
            } else {
                try json.skip()
            }
        }
    }
}
