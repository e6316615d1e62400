// SPDX-License-Identifier: Apache-2.0

/// How a forest lies in memory, and with that how it is evaluated; all give the same bits.
package enum TreeLayout: Sendable, CaseIterable {
    /// Nodes of eight bytes, eight trees walked side by side: any forest, any processor.
    case nodes
    /// Thresholds as bytes, 64 splits decided at once, then down a heap: trees of depth 10 or less.
    ///
    /// Needs AVX-512 with VBMI.
    case heaps
    /// The same, but where a tree is deeper than 6 and has at most 64 leaves, these are tested all
    /// at once.
    case paths
}
