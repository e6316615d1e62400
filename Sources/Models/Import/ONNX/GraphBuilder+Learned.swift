// SPDX-License-Identifier: Apache-2.0

/// The operators of `ai.onnx.ml`.
extension GraphBuilder {
    mutating func addLearned(_ node: ONNXModel.Node) throws(ImportError) {
        switch node.op {
        case "Scaler": try addScaler(node)
        case "Imputer": try addImputer(node)
        case "Normalizer": try addNormalizer(node)
        case "Binarizer":
            let row = try numbers(node)
            let to = try room(row.count)
            let threshold = node.attributes["threshold"]?.float ?? 0
            graph.steps.append(
                .unary(.binarize(threshold), from: row.start, to: to, count: row.count))
            try define(node, .row(Row(start: to, count: row.count)))
        case "OneHotEncoder": try addOneHot(node)
        case "LabelEncoder": try addLabelEncoder(node)
        case "ArrayFeatureExtractor": try addExtractor(node)
        case "FeatureVectorizer": try join(node)
        case "LinearRegressor": try addLinear(node, isClassifier: false)
        case "LinearClassifier": try addLinear(node, isClassifier: true)
        case "TreeEnsembleRegressor": try addTrees(node, isClassifier: false)
        case "TreeEnsembleClassifier": try addTrees(node, isClassifier: true)
        case "ZipMap":
            var row = try numbers(node)
            row.isClassScores = true
            row.classNames = try classNames(node, count: row.count)
            try define(node, .row(row))
        default: throw .unsupported("operator ai.onnx.ml.\(node.op)")
        }
    }

    /// The classes of a classifier or a map by their names.
    func classNames(_ node: ONNXModel.Node, count: Int) throws(ImportError) -> [String] {
        let texts = node.attributes["classlabels_strings"]?.strings ?? []
        let numbers =
            (node.attributes["classlabels_int64s"] ?? node.attributes["classlabels_ints"])?.ints
            ?? []
        let names = texts.isEmpty ? numbers.map { "\($0)" } : texts
        guard names.count == count else {
            throw .field(node.op, problem: "\(names.count) class labels for \(count) scores")
        }
        return names
    }

    /// The constants of an attribute: one for all places or one for each.
    private mutating func constants(
        _ values: [Float], for row: Row, of node: ONNXModel.Node, _ name: String
    ) throws(ImportError) -> Graph.Operand {
        guard values.count == row.count || values.count == 1 else {
            throw .field(node.op, problem: "\(values.count) of \(name) for \(row.count) numbers")
        }
        guard values.allSatisfy(\.isFinite) else {
            throw .field(node.op, problem: "\(name) is not finite")
        }
        return Graph.Operand(isConstant: true, start: try keep(values), count: values.count)
    }

    private mutating func addScaler(_ node: ONNXModel.Node) throws(ImportError) {
        let row = try numbers(node)
        let offset = try constants(
            node.attributes["offset"]?.floats ?? [0], for: row, of: node, "offset")
        let scale = try constants(
            node.attributes["scale"]?.floats ?? [1], for: row, of: node, "scale")
        let to = try room(row.count)
        let moved = Row(start: to, count: row.count)
        graph.steps.append(.binary(.subtract, row.operand, offset, to: to, count: row.count))
        graph.steps.append(.binary(.multiply, moved.operand, scale, to: to, count: row.count))
        try define(node, .row(moved))
    }

    private mutating func addImputer(_ node: ONNXModel.Node) throws(ImportError) {
        let row = try numbers(node)
        guard let values = node.attributes["imputed_value_floats"]?.floats, !values.isEmpty else {
            throw .unsupported("Imputer of anything but floats")
        }
        let operand = try constants(values, for: row, of: node, "imputed_value_floats")
        let to = try room(row.count)
        graph.steps.append(
            .impute(
                from: row.start, to: to, count: row.count,
                replaced: node.attributes["replaced_value_float"]?.float ?? 0, values: operand))
        try define(node, .row(Row(start: to, count: row.count)))
    }

    private mutating func addNormalizer(_ node: ONNXModel.Node) throws(ImportError) {
        let row = try numbers(node)
        let name = node.attributes["norm"]?.string ?? "MAX"
        let norms: [String: Graph.Norm] = ["MAX": .largest, "L1": .sum, "L2": .length]
        guard let norm = norms[name] else { throw .unsupported("Normalizer \(name)") }
        let to = try room(row.count)
        graph.steps.append(.normalize(norm, from: row.start, to: to, count: row.count))
        try define(
            node,
            .row(
                Row(
                    start: to, count: row.count, classNames: row.classNames,
                    isClassScores: row.isClassScores)))
    }

    /// The code of each text in the input that `place` of `row` copies; new texts get new codes.
    private mutating func codes(
        of texts: [String], in input: Int
    ) throws(ImportError) -> [Float] {
        var known = categories[input] ?? []
        var codes: [String: Int] = [:]
        for (code, text) in known.enumerated() { codes[text] = code }
        var result: [Float] = []
        for text in texts {
            if codes[text] == nil {
                guard known.count < ImportLimits.categoriesMax else {
                    throw .limit("categories", max: ImportLimits.categoriesMax)
                }
                codes[text] = known.count
                known.append(text)
            }
            result.append(Float(codes[text]!))
        }
        categories[input] = known
        return result
    }

    private mutating func addOneHot(_ node: ONNXModel.Node) throws(ImportError) {
        let row = try row(node)
        let texts = node.attributes["cats_strings"]?.strings ?? []
        let numbers = node.attributes["cats_int64s"]?.ints ?? []
        let count = row.textInputs == nil ? numbers.count : texts.count
        guard count > 0 else {
            throw .field(node.op, problem: "has no categories of the kind of its input")
        }
        let refusesUnknown = node.attributes["zeros"]?.int ?? 1 == 0
        let (size, overflow) = count.multipliedReportingOverflow(by: row.count)
        guard !overflow else {
            throw .limit("numbers in a graph", max: ImportLimits.graphFloatsMax)
        }
        let to = try room(size)
        for place in 0..<row.count {
            let values =
                try row.textInputs.map { inputs throws(ImportError) in
                    try codes(of: texts, in: inputs[place])
                } ?? numbers.map { Float($0) }
            graph.steps.append(
                .oneHot(
                    from: row.start + place, keys: try keep(values), count: count,
                    to: to + place * count, refusesUnknown: refusesUnknown))
        }
        try define(node, .row(Row(start: to, count: size)))
    }

    private mutating func addLabelEncoder(_ node: ONNXModel.Node) throws(ImportError) {
        let row = try row(node)
        let texts = node.attributes["keys_strings"]?.strings ?? []
        let numbers =
            node.attributes["keys_int64s"]?.ints.map { Float($0) }
            ?? node.attributes["keys_floats"]?.floats ?? []
        let values =
            node.attributes["values_floats"]?.floats
            ?? node.attributes["values_int64s"]?.ints.map { Float($0) } ?? []
        let count = row.textInputs == nil ? numbers.count : texts.count
        guard count > 0, values.count == count else {
            throw .unsupported("LabelEncoder of \(count) keys and \(values.count) numbers")
        }
        let otherwise =
            node.attributes["values_floats"] != nil
            ? node.attributes["default_float"]?.float ?? 0
            : Float(node.attributes["default_int64"]?.int ?? -1)
        let results = try keep(values)
        let to = try room(row.count)
        for place in 0..<row.count {
            let keys =
                try row.textInputs.map { inputs throws(ImportError) in
                    try codes(of: texts, in: inputs[place])
                } ?? numbers
            graph.steps.append(
                .lookup(
                    from: row.start + place, keys: try keep(keys), values: results, count: count,
                    to: to + place, otherwise: otherwise))
        }
        try define(node, .row(Row(start: to, count: row.count)))
    }

    /// Picks columns by their constant numbers.
    mutating func addExtractor(_ node: ONNXModel.Node) throws(ImportError) {
        let row = try row(node)
        let given = try constant(node, 1)
        guard !given.ints.isEmpty, given.shape.count <= 1 || node.op == "ArrayFeatureExtractor"
        else { throw .unsupported("\(node.op) by anything but a list of columns") }
        // Counted from the end if negative.
        let indices = given.ints.map { $0 < 0 && node.op == "Gather" ? $0 + Int64(row.count) : $0 }
        let to = try room(indices.count)
        for (place, index) in indices.enumerated() {
            guard index >= 0, index < Int64(row.count) else {
                throw .field(node.op, problem: "index \(index) is outside 0..<\(row.count)")
            }
            graph.steps.append(.copy(from: row.start + Int(index), to: to + place, count: 1))
        }
        try define(
            node,
            .row(
                Row(
                    start: to, count: indices.count,
                    textInputs: row.textInputs.map { inputs in indices.map { inputs[Int($0)] } })))
    }

    private mutating func addLinear(
        _ node: ONNXModel.Node, isClassifier: Bool
    ) throws(ImportError) {
        let row = try numbers(node)
        let coefficients = node.attributes["coefficients"]?.floats ?? []
        let intercepts = node.attributes["intercepts"]?.floats ?? []
        // ONNX Runtime reads as many coefficients as the sums and numbers ask for.
        let results = intercepts.isEmpty ? coefficients.count / row.count : intercepts.count
        let (needed, overflow) = results.multipliedReportingOverflow(by: row.count)
        guard !overflow, needed > 0, coefficients.count >= needed,
            !intercepts.isEmpty || coefficients.count == needed
        else {
            throw .field(
                node.op,
                problem: "\(coefficients.count) coefficients for \(row.count) numbers and "
                    + "\(results) sums")
        }
        guard coefficients.allSatisfy(\.isFinite) else {
            throw .field(node.op, problem: "a coefficient is not finite")
        }
        guard isClassifier || (node.attributes["targets"]?.int ?? 1) == results else {
            throw .field(node.op, problem: "coefficients do not fit the targets")
        }
        var sums = try multiply(
            row, turned(Array(coefficients[..<needed]), rows: results), results: results)
        if !intercepts.isEmpty {
            let operand = try constants(intercepts, for: sums, of: node, "intercepts")
            graph.steps.append(
                .binary(.add, sums.operand, operand, to: sums.start, count: results))
        }
        guard isClassifier else {
            return try define(node, .row(try transformed(sums, node)))
        }
        let labels = max(
            node.attributes["classlabels_strings"]?.strings.count ?? 0,
            node.attributes["classlabels_ints"]?.ints.count ?? 0)
        if results == 1, labels == 2 {
            guard (node.attributes["post_transform"]?.string ?? "NONE") == "LOGISTIC" else {
                throw .unsupported("a LinearClassifier of two classes and one sum")
            }
            sums = try withOtherClass(try transformed(sums, node), .complement)
        } else {
            sums = try transformed(sums, node)
        }
        sums.isClassScores = true
        sums.classNames = try classNames(node, count: sums.count)
        try define(node, 0, .label)
        try define(node, 1, .row(sums))
    }

    /// Applies `post_transform` in place.
    mutating func transformed(_ row: Row, _ node: ONNXModel.Node) throws(ImportError) -> Row {
        switch node.attributes["post_transform"]?.string ?? "NONE" {
        case "NONE": break
        case "LOGISTIC":
            graph.steps.append(
                .unary(.sigmoid, from: row.start, to: row.start, count: row.count))
        case "SOFTMAX":
            graph.steps.append(.softmax(from: row.start, to: row.start, count: row.count))
        case let name: throw .unsupported("the transformation \(name)")
        }
        return row
    }

    /// Two classes out of the second one's score.
    mutating func withOtherClass(
        _ score: Row, _ function: Graph.Function
    ) throws(ImportError) -> Row {
        let to = try room(2)
        graph.steps.append(.unary(function, from: score.start, to: to, count: 1))
        graph.steps.append(.copy(from: score.start, to: to + 1, count: 1))
        return Row(start: to, count: 2)
    }
}
