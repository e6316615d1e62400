// SPDX-License-Identifier: Apache-2.0

/// Ensembles of trees in ONNX (versions 1 and 3 of the operators).
extension GraphBuilder {
    mutating func addTrees(_ node: ONNXModel.Node, isClassifier: Bool) throws(ImportError) {
        let row = try numbers(node)
        for (name, attribute) in node.attributes where attribute.tensor != nil {
            throw .unsupported("\(node.op) in float64 (\(name))")
        }
        let columns = try ONNXTreeColumns(node, isClassifier: isClassifier)
        let labels = max(
            node.attributes["classlabels_strings"]?.strings.count ?? 0,
            node.attributes["classlabels_int64s"]?.ints.count ?? 0)
        let outputs = isClassifier ? labels : node.attributes["n_targets"]?.int ?? 1
        guard outputs >= 1, outputs <= ImportLimits.outputsMax else {
            throw .limit("outputs", max: ImportLimits.outputsMax)
        }
        // Two classes whose leaves speak of one of them only: the other is what is left.
        let isBinary = isClassifier && outputs == 2 && Set(columns.leafOutputs).count == 1
        let aggregate = node.attributes["aggregate_function"]?.string ?? "SUM"
        guard aggregate == "SUM" || (aggregate == "AVERAGE" && !isClassifier) else {
            throw .unsupported("\(node.op) with aggregate_function \(aggregate)")
        }
        let sumCount = isBinary ? 1 : outputs
        var ensemble = TreeEnsemble(
            featureCount: row.count, arithmetic: .single,
            baseMargins: try baseValues(node, outputs: sumCount, isBinary: isBinary))
        let nodeTotal = try columns.addTrees(to: &ensemble, outputs: outputs, isBinary: isBinary)
        guard nodeTotal <= ImportLimits.nodesMax else {
            throw .limit("nodes", max: ImportLimits.nodesMax)
        }
        if aggregate == "AVERAGE" {
            guard ensemble.baseMargins.allSatisfy({ $0 == 0 }) else {
                throw .unsupported("an average with base_values")
            }
        }
        let forest = try ForestEvaluator.fastest(ensemble)
        let to = try room(sumCount)
        graph.forests.append(forest)
        graph.steps.append(
            .forest(
                graph.forests.count - 1, from: row.start, count: row.count, to: to,
                results: sumCount))
        var sums = Row(start: to, count: sumCount)
        if aggregate == "AVERAGE" {
            let count = try keep([Float(columns.treeCount)])
            graph.steps.append(
                .binary(
                    .divide, sums.operand,
                    Graph.Operand(isConstant: true, start: count, count: 1), to: to,
                    count: sumCount))
        }
        guard isClassifier else { return try define(node, .row(try transformed(sums, node))) }
        if isBinary {
            sums = try binary(sums, node, hasNegative: columns.weights.contains { $0 < 0 })
        } else {
            sums = try transformed(sums, node)
        }
        sums.isClassScores = true
        sums.classNames = try classNames(node, count: outputs)
        try define(node, 0, .label)
        try define(node, 1, .row(sums))
    }

    /// How ONNX Runtime makes two scores of one sum: probabilities if no leaf is negative.
    private mutating func binary(
        _ sums: Row, _ node: ONNXModel.Node, hasNegative: Bool
    ) throws(ImportError) -> Row {
        switch (node.attributes["post_transform"]?.string ?? "NONE", hasNegative) {
        case ("NONE", false): return try withOtherClass(sums, .complement)
        case ("NONE", true): return try withOtherClass(sums, .negate)
        case ("LOGISTIC", true):
            let scores = try withOtherClass(sums, .negate)
            return try transformed(scores, node)
        case (let name, _):
            throw .unsupported(
                "the transformation \(name) of one sum for two classes"
                    + (hasNegative ? "" : " without a negative leaf"))
        }
    }

    private func baseValues(
        _ node: ONNXModel.Node, outputs: Int, isBinary: Bool
    ) throws(ImportError) -> [Double] {
        let given = node.attributes["base_values"]?.floats ?? []
        guard !given.isEmpty else { return [Double](repeating: 0, count: outputs) }
        guard given.count == outputs else {
            throw .unsupported("\(given.count) base_values for \(outputs) sums")
        }
        return given.map(Double.init)
    }
}
