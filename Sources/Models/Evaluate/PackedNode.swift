// SPDX-License-Identifier: Apache-2.0

/// A node as the evaluator walks it, in eight bytes; siblings are neighbours, the left one first.
///
/// A leaf reads slot 0, which is always minus infinity and so below every value: with a step of 0 it
/// sends the row to itself, and a walk may take as many steps as it likes.
struct PackedNode {
    /// A split's threshold or a leaf's value; not NaN. Instead of a number it holds, bit by bit, the
    /// place of a split's set of categories, or the number of a leaf whose value is a float64.
    var value: Float
    /// The slot of the prepared row that the split compares.
    var slot: UInt16
    /// Nodes from here to the left child.
    var step: UInt16

    /// A leaf that adds nothing: it fills up lines and groups.
    static let gap = PackedNode(value: -0.0, slot: 0, step: 0)

    /// A leaf whose value is in the table of leaves.
    static func leaf(number: Int) -> PackedNode {
        PackedNode(value: Float(bitPattern: UInt32(number)), slot: 0, step: 0)
    }
}
