// SPDX-License-Identifier: Apache-2.0

/// Sums of trees: float32 rows on the packed forest, float64 rows and contributions on the plain one.
@safe final class ForestEvaluator: RowEvaluator {
    let ensemble: TreeEnsemble
    /// What kernels read; owned by self.
    private let forest: PackedForest
    /// Per margin, the mean over the training rows; empty if the file has no cover.
    let expectations: [Double]
    let byteCount: Int
    let usedFeatureCount: Int
    let depth: Int
    let nodeCount: Int
    let leafCount: Int

    init(_ ensemble: TreeEnsemble) throws(ImportError) {
        try ensemble.verify()
        self.ensemble = ensemble
        let packed = unsafe ForestPacker.pack(ensemble)
        unsafe forest = packed.forest
        unsafe byteCount = packed.forest.byteCount
        unsafe usedFeatureCount = packed.packer.usedFeatureCount
        unsafe depth = packed.packer.depth
        unsafe nodeCount = packed.packer.nodeCount
        unsafe leafCount = packed.packer.leafCount
        expectations = ensemble.expectations()
    }

    deinit {
        unsafe forest.deallocate()
    }

    var marginCount: Int { ensemble.baseMargins.count }
    var predictionCount: Int { ensemble.link.predictionCount(margins: marginCount) }
    var hasContributions: Bool { !expectations.isEmpty }

    func margins(of row: Span<Float>, into margins: inout MutableSpan<Double>) {
        // The prepared row is a local array: of the smallest sufficient size, because it is cleared.
        switch unsafe forest.slotCount {
        case ...64: evaluate(row, [64 of Float](repeating: -.infinity), into: &margins)
        case ...256: evaluate(row, [256 of Float](repeating: -.infinity), into: &margins)
        case ...1_024: evaluate(row, [1_024 of Float](repeating: -.infinity), into: &margins)
        // Three ways to be missing, two directions of two of them, and a category.
        default: evaluate(row, [24_577 of Float](repeating: -.infinity), into: &margins)
        }
    }

    func margins(of row: Span<Double>, into margins: inout MutableSpan<Double>) {
        for output in ensemble.baseMargins.indices {
            margins[output] = ensemble.margin(of: row, output: output)
        }
    }

    func predict(_ margins: Span<Double>, into predictions: inout MutableSpan<Double>) {
        guard ensemble.divisor != 1 else {
            return ensemble.link.predict(margins, ensemble.arithmetic, into: &predictions)
        }
        var means = [1_000 of Double](repeating: 0)
        for index in margins.indices { means[index] = margins[index] / ensemble.divisor }
        ensemble.link.predict(
            means.span.extracting(first: margins.count), ensemble.arithmetic, into: &predictions)
    }

    @inline(__always)
    private func evaluate<let capacity: Int>(
        _ row: Span<Float>, _ empty: consuming [capacity of Float],
        into margins: inout MutableSpan<Double>
    ) {
        var slots = empty
        precondition(unsafe forest.slotCount <= capacity)
        precondition(unsafe forest.outputCount <= margins.count)
        var prepared = slots.mutableSpan
        // Safe: the row has every feature that a slot names, the array every slot, and the forest
        // was packed from a verified ensemble.
        unsafe row.withUnsafeBufferPointer { row in
            unsafe prepared.withUnsafeMutableBufferPointer { slots in
                let slots = slots.baseAddress!
                unsafe forest.prepare(row.baseAddress!, into: slots)
                for output in 0..<(unsafe forest.outputCount) {
                    unsafe margins[output] = forest.sum(slots, output: forest.outputs[output])
                }
            }
        }
    }
}
