// SPDX-License-Identifier: Apache-2.0

/// A verified ensemble laid out for scoring one row at a time.
///
/// Immutable, so any number of loops may use one at once. Evaluation takes no lock, allocates
/// nothing and gives the same bits as XGBoost's CPU predictor: float32, `<`, missing by default
/// direction, and one sum that starts from the base margin and adds the trees in their order.
///
/// ```swift
/// let model = try CompiledModel(importing: bytes, format: .xgboostJSON)
/// let margin = model.margin(of: row.span)   // row: one Float per feature, NaN is missing
/// let probability = model.score(margin: margin)
/// ```
@safe package final class CompiledModel: Sendable {
    /// What the model is, for people.
    package let summary: ModelSummary
    /// How a margin becomes a score.
    package let link: Link
    /// The sum's start.
    let baseMargin: Float
    /// What kernels read; owned by self.
    let forest: PackedForest

    init(_ ensemble: TreeEnsemble) throws(ImportError) {
        try ensemble.verify()
        var packer = ForestPacker()
        for tree in ensemble.trees { packer.append(tree) }
        unsafe forest = packer.finish()
        link = ensemble.link
        baseMargin = ensemble.baseMargin
        summary = unsafe ModelSummary(
            objective: ensemble.objective,
            treeCount: ensemble.trees.count,
            nodeCount: packer.nodeCount,
            leafCount: packer.leafCount,
            depth: packer.depth,
            featureCount: ensemble.featureCount,
            featureNames: ensemble.featureNames,
            usedFeatureCount: packer.usedFeatureCount,
            byteCount: forest.byteCount)
    }

    deinit {
        unsafe forest.deallocate()
    }

    /// The sum over the trees for `row`, base margin included.
    ///
    /// - Parameter row: at least `summary.featureCount` values in the model's order; NaN is missing.
    /// - Complexity: O(trees x depth); allocates nothing.
    package func margin(of row: Span<Float>) -> Float {
        precondition(row.count >= summary.featureCount)
        // The prepared row is a local array: of the smallest sufficient size, because it is cleared.
        switch unsafe forest.slotCount {
        case ...64: return evaluate(row, [64 of Float](repeating: -.infinity))
        case ...256: return evaluate(row, [256 of Float](repeating: -.infinity))
        case ...1_024: return evaluate(row, [1_024 of Float](repeating: -.infinity))
        default: return evaluate(row, [8_193 of Float](repeating: -.infinity))
        }
    }

    /// The score of a margin: a probability for a logistic objective.
    package func score(margin: Float) -> Float {
        link.score(margin)
    }

    @inline(__always)
    private func evaluate<let capacity: Int>(
        _ row: Span<Float>, _ empty: consuming [capacity of Float]
    ) -> Float {
        var slots = empty
        precondition(unsafe forest.slotCount <= capacity)
        var prepared = slots.mutableSpan
        // Safe: the row has every feature that a slot names, the array every slot, and the forest
        // was packed from a verified ensemble.
        return unsafe row.withUnsafeBufferPointer { row in
            unsafe prepared.withUnsafeMutableBufferPointer { slots in
                let slots = slots.baseAddress!
                unsafe forest.prepare(row.baseAddress!, into: slots)
                return unsafe forest.sum(slots, from: baseMargin)
            }
        }
    }
}
