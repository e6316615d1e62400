// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

@Suite struct XGBoostJSONReaderTests {
    @Test func `the sound file is read and walked`() throws {
        let model = try importModel(XGBoostText().json)
        #expect(model.summary.treeCount == 1)
        #expect(model.summary.nodeCount == 5)
        #expect(model.summary.leafCount == 3)
        #expect(model.summary.depth == 2)
        #expect(model.summary.featureCount == 2)
        #expect(model.summary.usedFeatureCount == 2)
        #expect(model.margin(ofRow: [0, -2]) == 20)
        #expect(model.margin(ofRow: [0, -1]) == 30)
        #expect(model.margin(ofRow: [0.5, 0]) == 10)
        #expect(model.margin(ofRow: [.nan, .nan]) == 30)
    }

    @Test func `a row on a threshold, one ulp beside it and infinite goes where float32 says`()
        throws
    {
        let model = try importModel(XGBoostText().json)
        #expect(model.margin(ofRow: [Float(0.5).nextDown, 0]) == 30)
        #expect(model.margin(ofRow: [Float(0.5).nextUp, 0]) == 10)
        #expect(model.margin(ofRow: [-.infinity, -.infinity]) == 20)
        #expect(model.margin(ofRow: [.infinity, .infinity]) == 10)
        #expect(model.margin(ofRow: [-.infinity, .infinity]) == 30)
        #expect(model.margin(ofRow: [.leastNonzeroMagnitude, Float(-1).nextDown]) == 20)
    }

    @Test(arguments: ["\"5E-1\"", "\"[5E-1]\"", "\"0.5\"", "\" [ 0.5 ] \""])
    func `a base score is read in the notation of every version`(_ text: String) throws {
        var file = XGBoostText()
        file.baseScore = text
        #expect(try importModel(file.json).margin(ofRow: [1, 0]) == 10)
    }

    @Test(arguments: [
        ("binary:logistic", Float(-1.0986123)), ("reg:logistic", -1.0986123),
        ("binary:logitraw", 0.25), ("reg:squarederror", 0.25), ("reg:tweedie", -1.3862944),
    ])
    func `the base score enters in margin space`(_ objective: String, _ margin: Float) throws {
        var file = XGBoostText()
        file.objective = "\"\(objective)\""
        file.baseScore = "\"2.5E-1\""
        let model = try importModel(file.json)
        #expect(abs(model.margin(ofRow: [1, 0]) - (10 + margin)) <= 1e-6)
    }

    @Test func `flags may be booleans and newer keys may be absent, as in files of 1.x`() throws {
        var tree = XGBoostText.Tree()
        tree.defaultLeft = "[true,false,false,false,false]"
        #expect(try importModel(XGBoostText.ending(in: tree).json).margin(ofRow: [.nan, -2]) == 20)
    }

    @Test(arguments: ["2147483647", "4294967295"])
    func `nodes that pruning deleted are passed over`(_ mark: String) throws {
        let tree = XGBoostText.Tree(
            left: "[1,-1,-1,-1,-1]", right: "[2,-1,-1,-1,-1]",
            splitIndices: "[0,0,0,\(mark),\(mark)]", splitConditions: "[5E-1,2E1,1E1,0E0,0E0]",
            defaultLeft: "[1,0,0,1,1]")
        let model = try importModel(XGBoostText.ending(in: tree).json)
        #expect(model.summary.nodeCount == 3)
        #expect(model.margin(ofRow: [0, 0]) == 20)
    }

    @Test func `a file of another kind is refused by name`() throws {
        let changes: [(String, (inout XGBoostText) -> Void)] = [
            ("booster gbforest is not supported", { $0.booster = "\"gbforest\"" }),
            ("objective rank:ndgc is not supported", { $0.objective = "\"rank:ndgc\"" }),
            ("XGBoost version 4 is not supported", { $0.version = "[4,0,0]" }),
            (
                "a model of categorical columns (cats.enc) is not supported",
                { $0.categoryEncoding = "[{\"type\":5}]" }
            ),
            ("a leaf vector (tree 0) is not supported", { $0.trees[0].leafVectorSize = "\"3\"" }),
        ]
        for (message, change) in changes {
            var file = XGBoostText()
            change(&file)
            #expect(refusal(file.json) == message)
        }
    }

    @Test func `fields that contradict each other are refused by name`() throws {
        let changes: [(String, (inout XGBoostText) -> Void)] = [
            ("base_score: has 2 values for 1 outputs", { $0.baseScore = "\"[0.5,0.5]\"" }),
            ("weight_drop: has 0 entries for 1 trees", { $0.booster = "\"dart\"" }),
            (
                "weights: has 0 values for 2 features and 1 outputs",
                { $0.booster = "\"gblinear\"" }
            ),
            (
                "num_class: is missing, and multi:softmax needs it",
                { $0.objective = "\"multi:softmax\"" }
            ),
            ("num_class: 3 with binary:logistic", { $0.classCount = "\"3\"" }),
            ("tree 0: tree_info: 1 is outside 0..<1", { $0.treeInfo = "[1]" }),
            (
                "tree 0 node 1: has no categories",
                { $0.trees[0].splitType = "[0,1,0,0,0]" }
            ),
            ("num_trees: does not agree with 1 trees", { $0.treeCount = "\"2\"" }),
            ("tree_info: has 2 entries for 1 trees", { $0.treeInfo = "[0,0]" }),
            ("feature_names: 1 names for 2 features", { $0.featureNames = "[\"age\"]" }),
            ("num_feature: is not a count", { $0.featureCount = "\"-1\"" }),
            ("features: there are none", { $0.featureCount = "\"0\"" }),
            ("more than 4096 features", { $0.featureCount = "\"4097\"" }),
            ("trees: there are none", { $0.trees = [] }),
            ("base_score: 0.0 is not possible with binary:logistic", { $0.baseScore = "\"0\"" }),
            ("base_score: 1.0 is not possible with binary:logistic", { $0.baseScore = "\"1\"" }),
            ("base_score: -1.0 is not possible with binary:logistic", { $0.baseScore = "\"-1\"" }),
            (
                "base_score: is not a finite number (byte 0: expected a number)",
                { $0.baseScore = "\"NaN\"" }
            ),
        ]
        for (message, change) in changes {
            var file = XGBoostText()
            change(&file)
            #expect(refusal(file.json) == message)
        }
    }

    @Test func `an empty object is no model`() {
        #expect(refusal("{}") == "version: is missing: is this a model of XGBoost?")
    }

    @Test func `the largest row is scored and one feature more is refused`() throws {
        var file = XGBoostText()
        file.featureCount = "\"\(ImportLimits.featuresMax)\""
        file.trees[0].splitIndices = "[4095,1,0,0,0]"
        var row = [Float](repeating: 0, count: ImportLimits.featuresMax)
        row[4_095] = 1
        #expect(try importModel(file.json).margin(ofRow: row) == 10)
        file.featureCount = "\"\(ImportLimits.featuresMax + 1)\""
        #expect(refusal(file.json) == "more than 4096 features")
    }
}

/// The message with which `text` is refused, nil if it is not.
func refusal(_ text: String) -> String? {
    refusal(Array(text.utf8))
}

func refusal(_ bytes: [UInt8], _ format: ModelFormat = .xgboostJSON) -> String? {
    do throws(ImportError) {
        _ = try importModel(bytes, format)
        return nil
    } catch {
        return error.description
    }
}
