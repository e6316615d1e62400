// SPDX-License-Identifier: Apache-2.0

/// One slot of a prepared row: a feature, and what stands for a missing value.
///
/// Preparing the row once makes the walk free of NaN: where missing goes left the slot holds minus
/// infinity (below every threshold), where it goes right plus infinity. A feature whose splits
/// disagree has two slots, and one more if some split tests its category.
struct RowSlot: Hashable {
    var feature: Int
    /// What the slot holds instead of a missing value.
    var missing: Float
    /// A value is missing if it is NaN or its magnitude is not above this; -1 for NaN alone.
    var missingMax: Float = -1

    /// The slot that `node`, a split by threshold, compares.
    init(_ node: TreeEnsemble.Node) {
        feature = Int(node.feature)
        missing = node.missingGoesLeft ? -.infinity : .infinity
        switch node.missing {
        case .nan: break
        case .nanOrZero: missingMax = TreeEnsemble.zeroMax
        case .never: missing = 0
        }
    }
}
