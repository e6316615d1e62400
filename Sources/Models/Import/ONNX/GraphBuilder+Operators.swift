// SPDX-License-Identifier: Apache-2.0

extension GraphBuilder {
    /// Adds one operator.
    mutating func add(_ node: ONNXModel.Node) throws(ImportError) {
        let domain = node.domain == "ai.onnx" ? "" : node.domain
        guard let version = model.opsets[domain] else {
            throw .field(
                "opset_import", problem: "does not name \(domain.isEmpty ? "ai.onnx" : domain)")
        }
        switch domain {
        case "": try addDense(node, version: version)
        case "ai.onnx.ml": try addLearned(node)
        default: throw .unsupported("operator \(node.domain).\(node.op)")
        }
    }

    private mutating func addDense(
        _ node: ONNXModel.Node, version: Int
    ) throws(ImportError) {
        switch node.op {
        case "Add": try addBinary(node, .add)
        case "Sub": try addBinary(node, .subtract)
        case "Mul": try addBinary(node, .multiply)
        case "Div": try addBinary(node, .divide)
        case "Relu": try addUnary(node, .relu)
        case "Tanh": try addUnary(node, .tanh)
        case "Sigmoid": try addUnary(node, .sigmoid)
        case "Exp": try addUnary(node, .exponential)
        case "Log": try addUnary(node, .logarithm)
        case "Neg": try addUnary(node, .negate)
        case "Abs": try addUnary(node, .absolute)
        case "Sqrt": try addUnary(node, .root)
        case "Identity", "Dropout": try define(node, value(node, 0))
        case "Gather":
            try checkAxis(node, otherwise: 0)
            try addExtractor(node)
        case "Cast": try addCast(node)
        case "Reshape", "Flatten": try addReshape(node)
        case "Concat": try addConcat(node)
        case "MatMul": try addMatMul(node)
        case "Gemm": try addGemm(node)
        case "Softmax":
            let row = try numbers(node)
            try checkAxis(node, otherwise: version < 13 ? 1 : -1)
            let to = try room(row.count)
            graph.steps.append(.softmax(from: row.start, to: to, count: row.count))
            try define(node, .row(Row(start: to, count: row.count, isClassScores: true)))
        case "ArgMax":
            let row = try numbers(node)
            try checkAxis(node, otherwise: 0)
            guard node.attributes["select_last_index"]?.int ?? 0 == 0 else {
                throw .unsupported("ArgMax with select_last_index")
            }
            let to = try room(1)
            graph.steps.append(.largestIndex(from: row.start, to: to, count: row.count))
            try define(node, .row(Row(start: to, count: 1)))
        case "Constant":
            guard let tensor = node.attributes["value"]?.tensor else {
                throw .unsupported("Constant without a tensor")
            }
            try define(node, .constant(tensor))
        default: throw .unsupported("operator \(node.op)")
        }
    }

    /// The last of two axes; the first one is the batch.
    private func checkAxis(
        _ node: ONNXModel.Node, otherwise: Int
    ) throws(ImportError) {
        let axis = node.attributes["axis"]?.int ?? otherwise
        guard axis == 1 || axis == -1 else { throw .unsupported("\(node.op) along axis \(axis)") }
    }

    private mutating func addUnary(
        _ node: ONNXModel.Node, _ function: Graph.Function
    ) throws(ImportError) {
        let row = try numbers(node)
        let to = try room(row.count)
        graph.steps.append(.unary(function, from: row.start, to: to, count: row.count))
        try define(node, .row(Row(start: to, count: row.count)))
    }

    private mutating func addBinary(
        _ node: ONNXModel.Node, _ operation: Graph.Arithmetic
    ) throws(ImportError) {
        let left = try operand(node, 0)
        let right = try operand(node, 1)
        guard left.count == right.count || left.count == 1 || right.count == 1 else {
            throw .field(node.op, problem: "of \(left.count) and \(right.count) numbers")
        }
        guard !left.isConstant || !right.isConstant else {
            throw .unsupported("\(node.op) of two constants")
        }
        try append(operation, left, right, to: node)
    }

    private mutating func append(
        _ operation: Graph.Arithmetic, _ left: Graph.Operand, _ right: Graph.Operand,
        to node: ONNXModel.Node
    ) throws(ImportError) {
        let count = max(left.count, right.count)
        let to = try room(count)
        graph.steps.append(.binary(operation, left, right, to: to, count: count))
        try define(node, .row(Row(start: to, count: count)))
    }

    /// A run of numbers, or constants of one row.
    private mutating func operand(
        _ node: ONNXModel.Node, _ index: Int
    ) throws(ImportError) -> Graph.Operand {
        guard case .constant(let tensor) = try value(node, index) else {
            return try numbers(node, index).operand
        }
        let count = tensor.floats.count
        guard count > 0, tensor.shape.allSatisfy({ $0 == 1 || $0 == count }),
            tensor.shape.dropLast().allSatisfy({ $0 == 1 })
        else { throw .unsupported("\(node.op) with a constant that is no row of numbers") }
        return Graph.Operand(isConstant: true, start: try keep(tensor.floats), count: count)
    }

    /// Numbers are float32 whatever they are called; a cast that would change one is refused.
    private mutating func addCast(_ node: ONNXModel.Node) throws(ImportError) {
        guard case .row(let row) = try value(node, 0) else {
            return try define(node, value(node, 0))
        }
        let type = node.attributes["to"]?.int ?? 0
        guard row.textInputs == nil else { throw .unsupported("Cast of texts") }
        switch type {
        case ONNXModel.ElementType.float: try define(node, .row(row))
        case ONNXModel.ElementType.int64, ONNXModel.ElementType.int32:
            let to = try room(row.count)
            graph.steps.append(.unary(.truncate, from: row.start, to: to, count: row.count))
            try define(node, .row(Row(start: to, count: row.count)))
        default: throw .unsupported("Cast to type \(type)")
        }
    }

    /// A shape of one row, or of a column if it is one number.
    private mutating func addReshape(_ node: ONNXModel.Node) throws(ImportError) {
        let row = try row(node)
        if node.op == "Reshape" {
            let shape = try constant(node, 1).ints
            let isRow =
                shape.count == 2 && [-1, 0, 1].contains(shape[0])
                && (shape[1] == row.count || (shape[1] == -1 && shape[0] != -1))
            guard isRow || (row.count == 1 && (shape == [-1] || shape == [-1, 1])) else {
                throw .unsupported("Reshape to \(shape)")
            }
        } else {
            guard node.attributes["axis"]?.int ?? 1 == 1 else {
                throw .unsupported("Flatten along another axis than 1")
            }
        }
        try define(node, .row(row))
    }

    private mutating func addConcat(_ node: ONNXModel.Node) throws(ImportError) {
        let axis = node.attributes["axis"]?.int
        guard axis == 1 || axis == -1 else { throw .unsupported("Concat along axis \(axis ?? 0)") }
        try join(node)
    }

    /// Lays the inputs one after the other.
    mutating func join(_ node: ONNXModel.Node) throws(ImportError) {
        var rows: [Row] = []
        for index in node.inputs.indices { rows.append(try row(node, index)) }
        let areTexts = rows.contains { $0.textInputs != nil }
        guard !areTexts || rows.allSatisfy({ $0.textInputs != nil }) else {
            throw .unsupported("\(node.op) of texts and numbers")
        }
        let count = rows.reduce(0) { $0 + $1.count }
        let to = try room(count)
        var next = to
        for row in rows {
            graph.steps.append(.copy(from: row.start, to: next, count: row.count))
            next += row.count
        }
        try define(
            node,
            .row(
                Row(
                    start: to, count: count,
                    textInputs: areTexts ? rows.flatMap { $0.textInputs ?? [] } : nil)))
    }

    private mutating func addMatMul(_ node: ONNXModel.Node) throws(ImportError) {
        let row = try numbers(node)
        let weights = try constant(node, 1)
        guard weights.shape.count == 2, weights.shape[0] == row.count, !weights.floats.isEmpty
        else { throw .field(node.op, problem: "of \(row.count) numbers by \(weights.shape)") }
        let product = try multiply(row, weights.floats, results: weights.shape[1])
        try define(node, .row(product))
    }

    private mutating func addGemm(_ node: ONNXModel.Node) throws(ImportError) {
        let row = try numbers(node)
        let weights = try constant(node, 1)
        guard node.attributes["transA"]?.int ?? 0 == 0 else {
            throw .unsupported("Gemm with transA")
        }
        let isTurned = node.attributes["transB"]?.int ?? 0 != 0
        guard weights.shape.count == 2, weights.shape[isTurned ? 1 : 0] == row.count,
            !weights.floats.isEmpty
        else { throw .field(node.op, problem: "of \(row.count) numbers by \(weights.shape)") }
        let results = weights.shape[isTurned ? 0 : 1]
        let alpha = node.attributes["alpha"]?.float ?? 1
        let beta = node.attributes["beta"]?.float ?? 1
        var matrix = isTurned ? turned(weights.floats, rows: results) : weights.floats
        for index in matrix.indices { matrix[index] *= alpha }
        let product = try multiply(row, matrix, results: results)
        guard node.inputs.count > 2, !node.inputs[2].isEmpty else {
            return try define(node, .row(product))
        }
        var bias = try constant(node, 2).floats
        guard bias.count == results || bias.count == 1 else {
            throw .field(node.op, problem: "\(bias.count) biases for \(results) results")
        }
        for index in bias.indices { bias[index] *= beta }
        try append(
            .add, product.operand,
            Graph.Operand(isConstant: true, start: keep(bias), count: bias.count), to: node)
    }

    /// The product of a row and a matrix of as many rows as it has numbers.
    mutating func multiply(
        _ row: Row, _ matrix: [Float], results: Int
    ) throws(ImportError) -> Row {
        let weights = try keep(matrix)
        let to = try room(results)
        graph.steps.append(
            .multiply(
                from: row.start, count: row.count, weights: weights, to: to, results: results))
        return Row(start: to, count: results)
    }

    /// A matrix of `rows` rows with rows and columns exchanged.
    func turned(_ matrix: [Float], rows: Int) -> [Float] {
        let columns = matrix.count / max(rows, 1)
        var turned: [Float] = []
        turned.reserveCapacity(matrix.count)
        for column in 0..<columns {
            for row in 0..<rows { turned.append(matrix[row * columns + column]) }
        }
        return turned
    }
}
