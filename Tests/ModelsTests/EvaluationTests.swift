// SPDX-License-Identifier: Apache-2.0

import Base
import Models
import Testing

@Suite struct EvaluationTests {
    /// Tree counts around the group width, features around the sizes of the prepared row, and trees
    /// of as many nodes as a file may have.
    @Test(arguments: [
        (1, 6, 4), (2, 0, 1), (7, 3, 31), (8, 6, 32), (9, 6, 33), (15, 9, 64), (16, 2, 126),
        (17, 12, 129), (31, 6, 511), (40, 6, 513), (100, 6, 2_000), (3, 64, 8),
        (1, 14, 8), (1, 15, 8), (2, 17, 8),
    ])
    func `a random ensemble gives the bits of a plain walk`(
        _ trees: Int, _ depth: Int, _ features: Int
    ) throws {
        let seed = UInt64(trees * 1_000_003 + depth * 1_009 + features)
        var generator = SeededGenerator(seed: seed)
        let forest = RandomForest(
            trees: trees, depthMax: depth, features: features,
            growth: depth > 20 ? 0.52 : depth > 12 ? 1 : 0.9,
            using: &generator)
        let model = try importModel(forest.json)
        #expect(model.summary.treeCount == trees)
        #expect(model.summary.nodeCount == forest.trees.reduce(0) { $0 + $1.count })
        for _ in 0..<200 {
            let row = forest.randomRow(using: &generator)
            let margin = model.margin(ofRow: row)
            let plain = forest.margin(ofRow: row, from: 0.125)
            #expect(margin.bitPattern == plain.bitPattern, "seed \(seed)")
        }
    }

    @Test func `a feature whose missing values go both ways is read both ways`() throws {
        var left = XGBoostText.Tree()
        left.splitIndices = "[0,0,0,0,0]"
        left.splitConditions = "[5E-1,-1E0,1E0,2E0,4E0]"
        left.defaultLeft = "[1,0,0,0,0]"
        var right = left
        right.splitConditions = "[5E-1,-1E0,8E0,16E0,32E0]"
        right.defaultLeft = "[0,1,0,0,0]"
        var file = XGBoostText()
        file.trees = [left, right]
        let model = try importModel(file.json)
        #expect(model.margin(ofRow: [.nan, 0]) == 12)
        #expect(model.margin(ofRow: [-5, 0]) == 18)
    }

    @Test func `a row may be longer than the model asks`() throws {
        #expect(try importModel(XGBoostText().json).margin(ofRow: [1, 0, .nan]) == 10)
    }

    @Test func `a row that is too short stops the process`() async {
        await #expect(processExitsWith: .failure) {
            let model = try importModel(XGBoostText().json)
            _ = model.margin(ofRow: [1])
        }
    }

    @Test func `a probability stays one at margins of any size`() throws {
        let model = try importModel(XGBoostText().json)
        #expect(model.score(margin: 0) == 0.5)
        #expect(model.score(margin: 1_000) == 1)
        #expect(model.score(margin: .infinity) == 1)
        let tiny = model.score(margin: -1_000)
        #expect(tiny > 0 && tiny < 1e-37)
        #expect(model.score(margin: -.infinity) == tiny)
    }

    @Test func `one model serves several threads`() async throws {
        var generator = SeededGenerator(seed: 7)
        let forest = RandomForest(
            trees: 20, depthMax: 6, features: 10, growth: 0.9, using: &generator)
        let model = try importModel(forest.json)
        let rows = (0..<50).map { _ in forest.randomRow(using: &generator) }
        let plain = rows.map { forest.margin(ofRow: $0, from: 0.125).bitPattern }
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask { rows.map { model.margin(ofRow: $0).bitPattern } == plain }
            }
            for await isEqual in group { #expect(isEqual) }
        }
    }
}
