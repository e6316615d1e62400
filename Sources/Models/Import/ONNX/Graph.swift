// SPDX-License-Identifier: Apache-2.0

struct Graph {
    var inputs: [ModelInput] = []; var output = ModelOutput(kind: .value, count: 1);
    var constants: [Float] = []; var forests: [ForestEvaluator] = []
}
final class GraphEvaluator: RowEvaluator {
    init(_ graph: Graph) throws(ImportError) {}
    var marginCount: Int { 1 }
    var predictionCount: Int { 1 }
    var hasContributions: Bool { false }
    func margins(of row: Span<Float>, into margins: inout MutableSpan<Double>) {}
    func margins(of row: Span<Double>, into margins: inout MutableSpan<Double>) {}
    func predict(_ margins: Span<Double>, into predictions: inout MutableSpan<Double>) {}
    func contributions(of row: Span<Double>, into contributions: inout MutableSpan<Double>) {}
}
