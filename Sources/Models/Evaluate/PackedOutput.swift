// SPDX-License-Identifier: Apache-2.0

/// One sum of a forest: the groups of its trees, and what it starts from.
struct PackedOutput: BitwiseCopyable {
    var firstGroup: Int
    var groupEnd: Int
    var base: Double
}
