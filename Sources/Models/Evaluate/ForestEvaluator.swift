// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Sums of trees, in the layout that was the fastest when the model was imported.
@safe final class ForestEvaluator: RowEvaluator {
    let ensemble: TreeEnsemble
    /// How a row is prepared, and what the walk through nodes reads; owned by self.
    private let forest: PackedForest
    /// What the kernels of `CKernels` read, if the layout is theirs; owned by self.
    private let ranked: RankedForest?
    /// How the trees lie in memory.
    let layout: TreeLayout
    /// What contributions need to know.
    let statistics: Statistics
    let byteCount: Int
    let usedFeatureCount: Int
    let depth: Int
    let nodeCount: Int
    let leafCount: Int

    /// What is the same of every row's contributions.
    struct Statistics {
        /// Per margin, the mean over the training rows; empty if the file has no cover.
        let expectations: [Double]
        /// Per tree, the most features that are asked on the way to one of its leaves.
        let featuresOfWays: [UInt8]

        init(_ ensemble: TreeEnsemble) {
            expectations = ensemble.expectations()
            featuresOfWays =
                expectations.isEmpty ? [] : ensemble.trees.map { $0.featuresOfWays() }
        }
    }

    /// Lays a forest out: as `layout` says if it is given and possible, else as is fastest.
    static func fastest(
        _ ensemble: TreeEnsemble, layout: TreeLayout? = nil
    ) throws(ImportError) -> ForestEvaluator {
        try ensemble.verify()
        var packer = ForestPacker(ensemble)
        let statistics = Statistics(ensemble)
        var fastest = unsafe ForestEvaluator(
            ensemble, packer, statistics, packer.forest(), nil, .nodes)
        var shortest = layout == nil ? fastest.measure() : .infinity
        for candidate in [TreeLayout.heaps, .paths]
        where unsafe RankedForest.isSupported && (layout ?? candidate) == candidate {
            guard let ranked = unsafe RankedPacker.pack(ensemble, packer, candidate) else {
                continue
            }
            let other = unsafe ForestEvaluator(
                ensemble, packer, statistics, packer.forestWithoutNodes(), ranked, candidate)
            let time = layout == nil ? other.measure() : 0
            if time < shortest { (fastest, shortest) = (other, time) }
        }
        return fastest
    }

    private init(
        _ ensemble: TreeEnsemble, _ packer: ForestPacker, _ statistics: Statistics,
        _ forest: PackedForest, _ ranked: RankedForest?, _ layout: TreeLayout
    ) {
        self.ensemble = ensemble
        unsafe self.forest = forest
        unsafe self.ranked = ranked
        self.layout = layout
        unsafe byteCount = forest.byteCount + (ranked?.byteCount ?? 0)
        usedFeatureCount = packer.usedFeatureCount
        depth = packer.depth
        nodeCount = packer.nodeCount
        leafCount = packer.leafCount
        self.statistics = statistics
    }

    deinit {
        unsafe forest.deallocate()
        unsafe ranked?.deallocate()
    }

    var marginCount: Int { ensemble.baseMargins.count }
    var predictionCount: Int { ensemble.link.predictionCount(margins: marginCount) }
    var comparesDoubles: Bool { ensemble.arithmetic == .double }
    var hasContributions: Bool { !statistics.expectations.isEmpty }

    func margins(of row: Span<Float>, into margins: inout MutableSpan<Double>) {
        evaluate(row, into: &margins)
    }

    func margins(of row: Span<Double>, into margins: inout MutableSpan<Double>) {
        // Where values are compared in float32, they are rounded first.
        if ensemble.arithmetic == .single { return evaluate(row, into: &margins) }
        guard layout == .nodes else { return evaluateWide(row, into: &margins) }
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
    private func evaluate<Value: RowValue>(
        _ row: Span<Value>, into margins: inout MutableSpan<Double>
    ) {
        // The prepared row is a local array: of the smallest sufficient size, because it is cleared.
        switch unsafe forest.slotCount {
        case ...64: evaluate(row, [64 of Float](repeating: -.infinity), into: &margins)
        case ...256: evaluate(row, [256 of Float](repeating: -.infinity), into: &margins)
        case ...1_024: evaluate(row, [1_024 of Float](repeating: -.infinity), into: &margins)
        // Three ways to be missing, two directions of two of them, and a category.
        default: evaluate(row, [24_577 of Float](repeating: -.infinity), into: &margins)
        }
    }

    @inline(__always)
    private func evaluate<Value: RowValue, let capacity: Int>(
        _ row: Span<Value>, _ empty: consuming [capacity of Float],
        into margins: inout MutableSpan<Double>
    ) {
        var slots = empty
        precondition(unsafe forest.slotCount <= capacity)
        precondition(unsafe forest.outputCount <= margins.count)
        var prepared = slots.mutableSpan
        // Safe: the row has every feature that a slot names, the array every slot, the margins every
        // output, and the forest was packed from a verified ensemble.
        unsafe row.withUnsafeBufferPointer { row in
            unsafe prepared.withUnsafeMutableBufferPointer { slots in
                let slots = slots.baseAddress!
                unsafe forest.prepare(row.baseAddress!, into: slots)
                if let ranked = unsafe ranked {
                    setToBases(&margins)
                    unsafe margins.withUnsafeMutableBufferPointer { sums in
                        unsafe ranked.add(slots, to: sums.baseAddress!)
                    }
                    return
                }
                for output in 0..<(unsafe forest.outputCount) {
                    unsafe margins[output] = forest.sum(slots, output: forest.outputs[output])
                }
            }
        }
    }

    private func evaluateWide(_ row: Span<Double>, into margins: inout MutableSpan<Double>) {
        switch unsafe forest.slotCount {
        case ...64: evaluateWide(row, [64 of Double](repeating: -.infinity), into: &margins)
        case ...256: evaluateWide(row, [256 of Double](repeating: -.infinity), into: &margins)
        case ...1_024: evaluateWide(row, [1_024 of Double](repeating: -.infinity), into: &margins)
        default: evaluateWide(row, [24_577 of Double](repeating: -.infinity), into: &margins)
        }
    }

    @inline(__always)
    private func evaluateWide<let capacity: Int>(
        _ row: Span<Double>, _ empty: consuming [capacity of Double],
        into margins: inout MutableSpan<Double>
    ) {
        var slots = empty
        precondition(unsafe forest.slotCount <= capacity)
        precondition(unsafe forest.outputCount <= margins.count)
        guard let ranked = unsafe ranked else { return }
        setToBases(&margins)
        var prepared = slots.mutableSpan
        // Safe: as for a row of float32; thresholds of float64 belong to every forest in float64.
        unsafe row.withUnsafeBufferPointer { row in
            unsafe prepared.withUnsafeMutableBufferPointer { slots in
                let slots = slots.baseAddress!
                unsafe forest.prepareWide(row.baseAddress!, into: slots)
                unsafe margins.withUnsafeMutableBufferPointer { sums in
                    unsafe ranked.add(slots, to: sums.baseAddress!)
                }
            }
        }
    }

    @inline(__always)
    private func setToBases(_ margins: inout MutableSpan<Double>) {
        for output in 0..<(unsafe forest.outputCount) {
            unsafe margins[output] = forest.outputs[output].base
        }
    }
}
