// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

/// Well-formed protobuf that describes something other than a graph of what is supported.
@Suite struct ONNXReaderTests {
    private func refusalOf(_ change: (inout ONNXText) -> Void) -> String? {
        var file = ONNXText()
        change(&file)
        return refusal(file.bytes, .onnx)
    }

    @Test func `the sound file is read and walked`() throws {
        let model = try importModel(ONNXText().bytes, .onnx)
        #expect(model.inputs.map(\.name) == ["x[0]", "x[1]"])
        #expect(model.output.kind == .value)
        #expect(model.evaluate([9, 0.5] as [Float]).predictions == [10])
        #expect(model.evaluate([9, Float(0.5).nextUp]).predictions == [20])
        #expect(model.evaluate([9, .nan] as [Float]).predictions == [20])
        #expect(model.evaluate([9, 0.5] as [Double]).predictions == [10])
        #expect(!model.hasContributions)
    }

    @Test(arguments: [
        ("BRANCH_LT", 20.0, 20.0), ("BRANCH_LEQ", 10, 20), ("BRANCH_GT", 20, 20),
        ("BRANCH_GTE", 10, 20),
    ])
    func `every mode compares as it says and sends missing to its false branch`(
        _ mode: String, _ onThreshold: Double, _ missing: Double
    ) throws {
        var file = ONNXText()
        file.modes[0] = mode
        let model = try importModel(file.bytes, .onnx)
        #expect(model.evaluate([0, 0.5] as [Float]).predictions == [onThreshold])
        #expect(model.evaluate([0, .nan] as [Float]).predictions == [missing])
        let isBelow = mode.hasPrefix("BRANCH_L")
        #expect(model.evaluate([0, -.infinity] as [Float]).predictions == [isBelow ? 10 : 20])
        #expect(model.evaluate([0, .infinity] as [Float]).predictions == [isBelow ? 20 : 10])
        file.more = [ONNXText.ints("nodes_missing_value_tracks_true", [1, 0, 0])]
        let tracking = try importModel(file.bytes, .onnx)
        #expect(tracking.evaluate([0, .nan] as [Float]).predictions == [10])
    }

    @Test func `a tree that lies is refused by its node`() {
        let cases: [(String, (inout ONNXText) -> Void)] = [
            ("tree 0 node 0: child 7 is no node", { $0.trueIDs[0] = 7 }),
            ("tree 0 node 0: child -1 is no node", { $0.falseIDs[0] = -1 }),
            (
                "tree 0 node 0: left child 0 is already reached by another way",
                { $0.trueIDs[0] = 0 }
            ),
            (
                "tree 0 node 0: right child 1 is already reached by another way",
                { $0.falseIDs[0] = 1 }
            ),
            ("tree 0 node 0: feature 2 is outside 0..<2", { $0.features[0] = 2 }),
            ("tree 0 node 0: feature -1 is outside 0..<2", { $0.features[0] = -1 }),
            ("tree 0 node 0: the threshold nan is not finite", { $0.thresholds[0] = .nan }),
            ("tree 0 node 0: the threshold -inf is not finite", { $0.thresholds[0] = -.infinity }),
            ("tree 0 node 1: the leaf value is not finite", { $0.weights[0] = .infinity }),
            ("tree 0: adds to output 1, which there is not", { $0.leafOutputs[0] = 1 }),
            ("tree 0: adds to output -1, which there is not", { $0.leafOutputs[0] = -1 }),
            ("tree 0: a weight is for 0, which is no leaf", { $0.leafNodes[0] = 0 }),
            ("nodes_nodeids: 1 comes twice in tree 0", { $0.nodeIDs[2] = 1 }),
            ("a node of mode BRANCH_EQ is not supported", { $0.modes[0] = "BRANCH_EQ" }),
            (
                "TreeEnsembleRegressor: nodes_treeids has 3 entries, but nodes_values 2",
                { $0.thresholds.removeLast() }
            ),
            (
                "TreeEnsembleRegressor: target_treeids has 2 entries, but target_weights 1",
                { $0.weights.removeLast() }
            ),
        ]
        for (message, change) in cases { #expect(refusalOf(change) == message) }
    }

    @Test func `what is not supported is refused by its name`() {
        let cases: [(String, (inout ONNXText) -> Void)] = [
            ("operator ai.onnx.ml.SVMRegressor is not supported", { $0.op = "SVMRegressor" }),
            ("opset_import: does not name com.example", { $0.domain = "com.example" }),
            (
                "TreeEnsembleRegressor: its input z is not known before it",
                { $0.input = "z" }
            ),
            ("the input x of element type 11 is not supported", { $0.inputType = 11 }),
            ("TreeEnsembleRegressor of texts is not supported", { $0.inputType = 8 }),
            ("the input x of a shape that is not fixed is not supported", { $0.width = 0 }),
            ("more than 4096 features", { $0.width = 4_097 }),
            (
                "the transformation PROBIT is not supported",
                {
                    $0.more = [
                        ONNXText.field(
                            5, ONNXText.text(1, "post_transform") + ONNXText.text(4, "PROBIT"))
                    ]
                }
            ),
            (
                "TreeEnsembleRegressor with aggregate_function MAX is not supported",
                {
                    $0.more = [
                        ONNXText.field(
                            5, ONNXText.text(1, "aggregate_function") + ONNXText.text(4, "MAX"))
                    ]
                }
            ),
            ("more than 1000 outputs", { $0.more = [intAttribute("n_targets", 1_001)] }),
            ("more than 1000 outputs", { $0.more = [intAttribute("n_targets", -1)] }),
            (
                "TreeEnsembleRegressor: the attribute nodes_nodeids appears twice",
                { $0.more = [ONNXText.ints("nodes_nodeids", [0])] }
            ),
        ]
        for (message, change) in cases { #expect(refusalOf(change) == message) }
    }

    @Test func `bytes that are no model are refused`() throws {
        #expect(refusal([], .onnx) == "graph: is missing: is this a model of ONNX?")
        let lies: [UInt8] = [0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0x07]
        #expect(try #require(refusal(lies, .onnx)).contains("not well-formed protobuf"))
        // A tensor whose shape asks for far more than there is.
        let tensor = ONNXText.field(1, 1 << 20) + ONNXText.field(1, 1 << 20) + ONNXText.text(8, "w")
        let graph = ONNXText.field(7, ONNXText.field(5, tensor))
        #expect(refusal(graph, .onnx) == "more than 16777216 constants")
        let empty = ONNXText.field(
            7, ONNXText.field(5, ONNXText.field(1, 5) + ONNXText.text(8, "w")))
        #expect(refusal(empty, .onnx) == "w: has 0 elements, its shape asks for 5")
    }
}

private func intAttribute(_ name: String, _ value: Int) -> [UInt8] {
    ONNXText.field(5, ONNXText.text(1, name) + ONNXText.field(3, value))
}
