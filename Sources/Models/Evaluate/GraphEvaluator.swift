// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Runs the steps of a graph over one array on the stack.
final class GraphEvaluator: RowEvaluator {
    private let graph: Graph

    init(_ graph: Graph) throws(ImportError) {
        guard graph.size <= ImportLimits.graphFloatsMax else {
            throw .limit("numbers in a graph", max: ImportLimits.graphFloatsMax)
        }
        self.graph = graph
    }

    var marginCount: Int { graph.results.count }
    var predictionCount: Int { graph.results.count }
    var comparesDoubles: Bool { false }
    var hasContributions: Bool { false }

    func margins(of row: Span<Float>, into margins: inout MutableSpan<Double>) {
        switch graph.size {
        case ...256: run(row, [256 of Float](repeating: 0), into: &margins)
        case ...2_048: run(row, [2_048 of Float](repeating: 0), into: &margins)
        default: run(row, [16_384 of Float](repeating: 0), into: &margins)
        }
    }

    func margins(of row: Span<Double>, into margins: inout MutableSpan<Double>) {
        var narrow = [4_096 of Float](repeating: 0)
        for index in graph.inputs.indices { narrow[index] = Float(row[index]) }
        self.margins(of: narrow.span, into: &margins)
    }

    func predict(_ margins: Span<Double>, into predictions: inout MutableSpan<Double>) {
        for index in margins.indices { predictions[index] = margins[index] }
    }

    func contributions(of row: Span<Double>, into contributions: inout MutableSpan<Double>) {
        preconditionFailure("a graph has no contributions")
    }

    @inline(__always)
    private func run<let capacity: Int>(
        _ row: Span<Float>, _ empty: consuming [capacity of Float],
        into margins: inout MutableSpan<Double>
    ) {
        var storage = empty
        var numbers = storage.mutableSpan
        for index in graph.inputs.indices { numbers[index] = row[index] }
        for step in graph.steps { perform(step, &numbers) }
        for (index, place) in graph.results.enumerated() {
            margins[index] = Double(numbers[place])
        }
    }

    private func perform(_ step: Graph.Step, _ numbers: inout MutableSpan<Float>) {
        switch step {
        case .binary(let operation, let left, let right, let to, let count):
            for index in 0..<count {
                let a = value(left, index, numbers.span)
                let b = value(right, index, numbers.span)
                numbers[to + index] =
                    switch operation {
                    case .add: a + b
                    case .subtract: a - b
                    case .multiply: a * b
                    case .divide: a / b
                    }
            }
        case .unary(let function, let from, let to, let count):
            for index in 0..<count { numbers[to + index] = function(numbers[from + index]) }
        case .copy(let from, let to, let count):
            for index in 0..<count { numbers[to + index] = numbers[from + index] }
        case .multiply(let from, let count, let weights, let to, let results):
            for result in 0..<results { numbers[to + result] = 0 }
            for index in 0..<count {
                let factor = numbers[from + index]
                for result in 0..<results {
                    numbers[to + result] +=
                        factor * graph.constants[weights + index * results + result]
                }
            }
        case .impute(let from, let to, let count, let replaced, let values):
            for index in 0..<count {
                let given = numbers[from + index]
                let isMissing = given == replaced || (replaced.isNaN && given.isNaN)
                numbers[to + index] = isMissing ? value(values, index, numbers.span) : given
            }
        case .oneHot(let from, let keys, let count, let to, let refusesUnknown):
            let given = numbers[from]
            var isKnown = false
            for index in 0..<count {
                let isEqual = given == graph.constants[keys + index]
                numbers[to + index] = isEqual ? 1 : 0
                isKnown = isKnown || isEqual
            }
            // Where the library would refuse the row there is no number to give.
            if refusesUnknown, !isKnown { numbers[to] = .nan }
        case .lookup(let from, let keys, let values, let count, let to, let otherwise):
            let given = numbers[from]
            numbers[to] = otherwise
            for index in 0..<count where given == graph.constants[keys + index] {
                numbers[to] = graph.constants[values + index]
            }
        case .normalize(let norm, let from, let to, let count):
            normalize(norm, from, to, count, &numbers)
        case .softmax(let from, let to, let count):
            var largest = numbers[from]
            for index in 0..<count { largest = max(largest, numbers[from + index]) }
            var sum: Float = 0
            for index in 0..<count {
                numbers[to + index] = expf(numbers[from + index] - largest)
                sum += numbers[to + index]
            }
            for index in 0..<count { numbers[to + index] /= sum }
        case .largestIndex(let from, let to, let count):
            var best = 0
            for index in 0..<count where numbers[from + index] > numbers[from + best] {
                best = index
            }
            numbers[to] = Float(best)
        case .forest(let forest, let from, let count, let to, let results):
            var storage = [1_000 of Double](repeating: 0)
            var sums = storage.mutableSpan
            graph.forests[forest].margins(
                of: numbers.span.extracting(from..<from + count), into: &sums)
            for index in 0..<results { numbers[to + index] = Float(sums[index]) }
        }
    }

    @inline(__always)
    private func value(_ operand: Graph.Operand, _ index: Int, _ numbers: Span<Float>) -> Float {
        let place = operand.start + (operand.count == 1 ? 0 : index)
        return operand.isConstant ? graph.constants[place] : numbers[place]
    }

    private func normalize(
        _ norm: Graph.Norm, _ from: Int, _ to: Int, _ count: Int,
        _ numbers: inout MutableSpan<Float>
    ) {
        var size: Float = norm == .largest ? -.infinity : 0
        for index in 0..<count {
            let value = numbers[from + index]
            switch norm {
            case .largest: size = max(size, value)
            case .sum: size += abs(value)
            case .length: size += value * value
            }
        }
        if norm == .length { size = size.squareRoot() }
        for index in 0..<count {
            numbers[to + index] = size == 0 ? numbers[from + index] : numbers[from + index] / size
        }
    }
}

extension Graph.Function {
    fileprivate func callAsFunction(_ value: Float) -> Float {
        switch self {
        case .relu: value.isNaN ? value : max(value, 0)
        case .tanh: tanhf(value)
        case .sigmoid: 1 / (1 + expf(-value))
        case .exponential: expf(value)
        case .logarithm: logf(value)
        case .negate: -value
        case .absolute: abs(value)
        case .root: value.squareRoot()
        case .complement: 1 - value
        case .truncate: value.rounded(.towardZero)
        case .binarize(let threshold): value > threshold ? 1 : 0
        }
    }
}
