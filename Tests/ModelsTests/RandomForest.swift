// SPDX-License-Identifier: Apache-2.0

import Base

/// A random ensemble with the simplest walk there is, as the measure of the fast one.
struct RandomForest {
    struct Node {
        var left = -1
        var right = -1
        var feature = 0
        var value: Float
        var missingGoesLeft = false
    }

    var featureCount: Int
    var trees: [[Node]]

    init(
        trees: Int, depthMax: Int, features: Int, growth: Double,
        using generator: inout SeededGenerator
    ) {
        featureCount = features
        self.trees = []
        for _ in 0..<trees {
            var nodes = [Node(value: .random(in: -1...1, using: &generator))]
            var open = [(index: 0, depth: 0)]
            while let (index, depth) = open.popLast(), nodes.count < 65_535 {
                guard depth < depthMax, .random(in: 0..<1, using: &generator) < growth else {
                    continue
                }
                nodes[index].feature = .random(in: 0..<features, using: &generator)
                // A coarse grid, so that rows of the same grid meet thresholds exactly.
                nodes[index].value = Float(Int.random(in: -8...8, using: &generator)) / 4
                nodes[index].missingGoesLeft = .random(using: &generator)
                nodes[index].left = nodes.count
                nodes[index].right = nodes.count + 1
                for _ in 0..<2 {
                    open.append((nodes.count, depth + 1))
                    nodes.append(Node(value: .random(in: -1...1, using: &generator)))
                }
            }
            self.trees.append(nodes)
        }
    }

    func margin(ofRow row: [Float], from base: Float) -> Float {
        trees.reduce(base) { total, nodes in
            var index = 0
            while nodes[index].left >= 0 {
                let node = nodes[index]
                let value = row[node.feature]
                let goesLeft = value.isNaN ? node.missingGoesLeft : value < node.value
                index = goesLeft ? node.left : node.right
            }
            return total + nodes[index].value
        }
    }

    func randomRow(using generator: inout SeededGenerator) -> [Float] {
        (0..<featureCount).map { _ in
            switch Int.random(in: 0..<20, using: &generator) {
            case 0...2: .nan
            case 3: .infinity
            case 4: -.infinity
            case 5: Float(Int.random(in: -8...8, using: &generator)).nextDown / 4
            case 6: -0.0
            default: Float(Int.random(in: -9...9, using: &generator)) / 4
            }
        }
    }

    /// The ensemble as XGBoost would have saved it, for `reg:squarederror`.
    var json: String {
        var file = XGBoostText()
        file.objective = "\"reg:squarederror\""
        file.baseScore = "\"1.25E-1\""
        file.featureCount = "\"\(featureCount)\""
        file.trees = trees.map { nodes in
            func column<Value>(_ value: (Node) -> Value) -> String {
                "[" + nodes.map { "\(value($0))" }.joined(separator: ",") + "]"
            }
            return XGBoostText.Tree(
                left: column(\.left), right: column(\.right), splitIndices: column(\.feature),
                splitConditions: column(\.value),
                defaultLeft: column { $0.missingGoesLeft ? 1 : 0 },
                splitType: column { _ in 0 }, nodeCount: "\"\(nodes.count)\"")
        }
        return file.json
    }
}
