// SPDX-License-Identifier: Apache-2.0

/// Compiles the operators that one output of a model needs into a `Graph`.
///
/// A graph of ONNX works on a batch; here the batch is one row, so every value is a run of numbers.
/// An operator that would mix rows, or whose shape depends on the data, is refused.
struct GraphBuilder {
    let model: ONNXModel
    var graph = Graph()
    /// What each name stands for so far.
    private(set) var values: [String: Value] = [:]
    /// Texts that each input is compared with, in the order of their codes.
    var categories: [Int: [String]] = [:]

    /// What a name stands for.
    enum Value {
        case row(Row)
        case constant(ONNXModel.Tensor)
        /// The label of a classifier, which is the largest of its scores by name.
        case label
    }

    /// A run of numbers in the array.
    struct Row {
        var start: Int
        var count: Int
        /// For texts: the input that each place is a copy of.
        var textInputs: [Int]?
        var classNames: [String] = []
        var isClassScores = false

        var operand: Graph.Operand { Graph.Operand(isConstant: false, start: start, count: count) }
    }

    /// The graph of the first output that is a run of numbers.
    static func build(_ model: ONNXModel) throws(ImportError) -> Graph {
        guard !model.outputs.isEmpty else { throw .field("output", problem: "there is none") }
        var problem = ImportError.field("output", problem: "is no number")
        // Labels come first; what follows them is what they are made from.
        for output in model.outputs.prefix(4) {
            do throws(ImportError) {
                var builder = GraphBuilder(model: model)
                try builder.addInputs()
                try builder.addOperators(for: output)
                if let graph = try builder.finish(output) { return graph }
            } catch {
                problem = error
            }
        }
        throw problem
    }

    private init(model: ONNXModel) {
        self.model = model
    }

    private mutating func addInputs() throws(ImportError) {
        for (name, tensor) in model.initializers { values[name] = .constant(tensor) }
        for input in model.inputs where model.initializers[input.name] == nil {
            guard values[input.name] == nil else {
                throw .field(input.name, problem: "is an input twice")
            }
            let isText = input.type == ONNXModel.ElementType.string
            let numbers = [ONNXModel.ElementType.float, ONNXModel.ElementType.int64]
            guard isText || numbers.contains(input.type) else {
                throw .unsupported("the input \(input.name) of element type \(input.type)")
            }
            // A column, or a batch of rows of a width that is known.
            guard let shape = input.shape, shape.count <= 2,
                let width = shape.count == 2 ? shape[1] : 1, width > 0
            else { throw .unsupported("the input \(input.name) of a shape that is not fixed") }
            guard graph.inputs.count + width <= ImportLimits.featuresMax else {
                throw .limit("features", max: ImportLimits.featuresMax)
            }
            let start = graph.inputs.count
            for index in 0..<width {
                graph.inputs.append(
                    ModelInput(name: width == 1 ? input.name : "\(input.name)[\(index)]"))
            }
            values[input.name] = .row(
                Row(
                    start: start, count: width,
                    textInputs: isText ? Array(start..<start + width) : nil))
        }
        guard !graph.inputs.isEmpty else { throw .field("input", problem: "there is none") }
        graph.size = graph.inputs.count
    }

    /// Adds what `output` is made from, in the file's order, which must be one of computation.
    private mutating func addOperators(for output: String) throws(ImportError) {
        var needed: Set<String> = [output]
        var isNeeded = [Bool](repeating: false, count: model.nodes.count)
        for (index, node) in model.nodes.enumerated().reversed()
        where node.outputs.contains(where: needed.contains) {
            isNeeded[index] = true
            needed.formUnion(node.inputs)
        }
        for (index, node) in model.nodes.enumerated() where isNeeded[index] { try add(node) }
    }

    private func finish(_ output: String) throws(ImportError) -> Graph? {
        guard case .row(let row) = values[output] else { return nil }
        guard row.textInputs == nil else { throw .unsupported("the output \(output) of texts") }
        guard row.count <= ImportLimits.outputsMax else {
            throw .limit("outputs", max: ImportLimits.outputsMax)
        }
        var graph = graph
        graph.results = row.start..<row.start + row.count
        let isClasses = row.isClassScores || (model.outputs.count > 1 && row.count > 1)
        graph.output = ModelOutput(
            kind: isClasses ? .classes : .value, count: row.count, classNames: row.classNames)
        for index in graph.inputs.indices {
            guard let known = categories[index] else { continue }
            graph.inputs[index] = ModelInput(name: graph.inputs[index].name, categories: known)
        }
        return graph
    }

    // MARK: What operators are made with

    /// Room for `count` numbers.
    mutating func room(_ count: Int) throws(ImportError) -> Int {
        let start = graph.size
        guard count >= 0, count <= ImportLimits.graphFloatsMax - start else {
            throw .limit("numbers in a graph", max: ImportLimits.graphFloatsMax)
        }
        graph.size += count
        return start
    }

    /// Keeps constants; returns where they are.
    mutating func keep(_ constants: [Float]) throws(ImportError) -> Int {
        let start = graph.constants.count
        guard constants.count <= ImportLimits.graphConstantsMax - start else {
            throw .limit("constants", max: ImportLimits.graphConstantsMax)
        }
        graph.constants.append(contentsOf: constants)
        return start
    }

    /// The run of numbers that an operator's input is.
    func numbers(_ node: ONNXModel.Node, _ index: Int = 0) throws(ImportError) -> Row {
        let row = try row(node, index)
        guard row.textInputs == nil else { throw .unsupported("\(node.op) of texts") }
        return row
    }

    /// The run of numbers or texts that an operator's input is.
    func row(_ node: ONNXModel.Node, _ index: Int = 0) throws(ImportError) -> Row {
        switch try value(node, index) {
        case .row(let row): return row
        case .constant: throw .unsupported("\(node.op) of a constant")
        case .label: throw .unsupported("\(node.op) of a label")
        }
    }

    func value(_ node: ONNXModel.Node, _ index: Int) throws(ImportError) -> Value {
        guard index < node.inputs.count else {
            throw .field(node.op, problem: "has no input number \(index)")
        }
        guard let value = values[node.inputs[index]] else {
            throw .field(node.op, problem: "its input \(node.inputs[index]) is not known before it")
        }
        return value
    }

    /// The constant that an operator's input is.
    func constant(_ node: ONNXModel.Node, _ index: Int) throws(ImportError) -> ONNXModel.Tensor {
        guard case .constant(let tensor) = try value(node, index) else {
            throw .unsupported("\(node.op) with an input \(index) that is not constant")
        }
        return tensor
    }

    /// Says what the operator's only output is.
    mutating func define(_ node: ONNXModel.Node, _ value: Value) throws(ImportError) {
        try define(node, 0, value)
    }

    /// Says what the operator's output number `index` is.
    mutating func define(
        _ node: ONNXModel.Node, _ index: Int, _ value: Value
    ) throws(ImportError) {
        guard index < node.outputs.count, !node.outputs[index].isEmpty else { return }
        guard values.updateValue(value, forKey: node.outputs[index]) == nil else {
            throw .field(node.op, problem: "its output \(node.outputs[index]) has a value already")
        }
    }
}
