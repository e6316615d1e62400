// SPDX-License-Identifier: Apache-2.0

/// A small model of ONNX, as bytes: one tree on two features, with every part open to change.
struct ONNXText {
    var nodeIDs: [Int] = [0, 1, 2]
    var treeIDs: [Int] = [0, 0, 0]
    var features: [Int] = [1, 0, 0]
    var thresholds: [Float] = [0.5, 0, 0]
    var modes = ["BRANCH_LEQ", "LEAF", "LEAF"]
    var trueIDs: [Int] = [1, 0, 0]
    var falseIDs: [Int] = [2, 0, 0]
    var leafNodes: [Int] = [1, 2]
    var leafOutputs: [Int] = [0, 0]
    var weights: [Float] = [10, 20]
    var op = "TreeEnsembleRegressor"
    var more: [[UInt8]] = []
    var input = "x"
    var inputType = 1
    var width = 2
    var domain = "ai.onnx.ml"
    var domainVersion = 3

    private static func varint(_ value: Int) -> [UInt8] {
        var bits = UInt64(bitPattern: Int64(value))
        var bytes: [UInt8] = []
        while bits >= 128 {
            bytes.append(UInt8(bits & 127) | 128)
            bits >>= 7
        }
        return bytes + [UInt8(bits)]
    }

    static func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(bytes.count) + bytes
    }

    static func field(_ number: Int, _ value: Int) -> [UInt8] {
        varint(number << 3) + varint(value)
    }

    static func text(_ number: Int, _ text: String) -> [UInt8] {
        field(number, Array(text.utf8))
    }

    static func ints(_ name: String, _ values: [Int]) -> [UInt8] {
        field(5, text(1, name) + field(8, values.flatMap(varint)) + field(20, 7))
    }

    static func floats(_ name: String, _ values: [Float]) -> [UInt8] {
        let bytes = values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
        }
        return field(5, text(1, name) + field(7, bytes) + field(20, 6))
    }

    static func strings(_ name: String, _ values: [String]) -> [UInt8] {
        field(5, text(1, name) + values.flatMap { text(9, $0) } + field(20, 8))
    }

    var bytes: [UInt8] {
        let node: [UInt8] =
            Self.text(1, input) + Self.text(2, "y") + Self.text(4, op)
            + Self.ints("nodes_nodeids", nodeIDs) + Self.ints("nodes_treeids", treeIDs)
            + Self.ints("nodes_featureids", features) + Self.floats("nodes_values", thresholds)
            + Self.strings("nodes_modes", modes) + Self.ints("nodes_truenodeids", trueIDs)
            + Self.ints("nodes_falsenodeids", falseIDs)
            + Self.ints("target_treeids", leafNodes.map { _ in 0 })
            + Self.ints("target_nodeids", leafNodes) + Self.ints("target_ids", leafOutputs)
            + Self.floats("target_weights", weights) + more.flatMap { $0 }
            + Self.text(7, domain)
        let shape = Self.field(1, Self.text(2, "N")) + Self.field(1, Self.field(1, width))
        let type = Self.field(1, Self.field(1, inputType) + Self.field(2, shape))
        let graph =
            Self.field(1, node) + Self.field(11, Self.text(1, "x") + Self.field(2, type))
            + Self.field(12, Self.text(1, "y"))
        let opset = Self.text(1, "ai.onnx.ml") + Self.field(2, domainVersion)
        return Self.field(1, 8) + Self.field(7, graph) + Self.field(8, opset)
    }
}
