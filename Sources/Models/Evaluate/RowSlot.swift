// SPDX-License-Identifier: Apache-2.0

/// One slot of a prepared row: a feature, and what stands for a missing value.
///
/// Preparing the row once makes the walk free of NaN: where missing goes left the slot holds minus
/// infinity (below every threshold), where it goes right plus infinity. A feature whose splits
/// disagree has two slots, and one more if some split tests its category.
struct RowSlot: Hashable {
    var feature: Int
    /// What the slot holds instead of NaN.
    var missing: Float
    /// What it holds instead of a value whose magnitude is at most `zeroMax`.
    var zero: Float = 0
    /// -1 if a small value is like any other.
    var zeroMax: Float = -1
    /// What it holds instead of a larger value.
    var largest = Float.infinity

    /// The slot that `node`, a split by threshold, compares.
    init(_ node: TreeEnsemble.Node, _ arithmetic: TreeEnsemble.Arithmetic) {
        feature = Int(node.feature)
        missing = node.missingGoesLeft ? -.infinity : .infinity
        // LightGBM takes a row's tiny values for zero before any tree sees them.
        if arithmetic == .double { zeroMax = TreeEnsemble.zeroMax }
        switch node.missing {
        case .nan: break
        case .nanOrZero: zero = missing
        case .never: missing = 0
        }
        // Every value is at most infinity, and infinity itself is not below it.
        if node.value == .infinity { largest = .greatestFiniteMagnitude }
    }

    /// What the slot holds for `value`.
    @inline(__always)
    func prepare(_ value: Float) -> Float {
        value.isNaN ? missing : abs(value) > zeroMax ? min(value, largest) : zero
    }

    /// What the slot of a row of float64 holds for `value`.
    @inline(__always)
    func prepare(_ value: Double) -> Double {
        let largest = largest.isFinite ? Double.greatestFiniteMagnitude : .infinity
        return value.isNaN
            ? Double(missing) : abs(value) > Double(zeroMax) ? min(value, largest) : Double(zero)
    }
}
