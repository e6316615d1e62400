// SPDX-License-Identifier: Apache-2.0

/// What a file of XGBoost says outside its trees.
struct XGBoostHeader {
    var versionMajor: Int?
    var booster: String?
    var objective: String?
    var baseScore: [Float]?
    var classCount = 0
    var targetCount = 1
    var featureCount: Int?
    var featureNames: [String] = []
    var treeCount: Int?
    var treeGroups: [Int] = []
    /// Of a dart: what each tree's leaves are multiplied by.
    var treeWeights: [Float]?
    /// Of a gblinear: one row per feature and then the biases, one column per output.
    var linearWeights: [Float]?
    var hasCategoryEncoding = false
    var hasTrees = false
}
