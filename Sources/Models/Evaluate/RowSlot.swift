// SPDX-License-Identifier: Apache-2.0

/// One slot of a prepared row: a feature, and what stands for a missing value.
///
/// Preparing the row once makes the walk free of NaN: where missing goes left the slot holds minus
/// infinity (below every threshold), where it goes right plus infinity. A feature whose splits
/// disagree has two slots.
struct RowSlot: Hashable {
    var feature: Int
    var missing: Float
}
