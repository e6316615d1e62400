// SPDX-License-Identifier: Apache-2.0

/// Consecutive trees that are walked side by side.
struct TreeGroup {
    /// Trees of a full group; a smaller rest is filled up with a tree that is one leaf of zero.
    static let width = 8

    /// Steps until every row has reached its leaf.
    var depth: Int
}
