// SPDX-License-Identifier: Apache-2.0

internal import CKernels

/// What a tree takes in a ranked layout; the raw values are those of `kassa_shape`.
enum TreeShape: UInt32 {
    case heap6 = 0
    case heap8 = 1
    case heap10 = 2
    case paths32 = 3
    case paths64 = 4

    /// Bytes for the splits that are decided at once: a slot and a rank each.
    var screenBytes: Int { self == .paths32 ? 64 : 128 }

    /// Bytes for records of three splits, or for the ways to leaves.
    var detailBytes: Int {
        switch self {
        case .heap6: 0
        case .heap8: 64 * 8
        case .heap10: (64 + 256) * 8
        case .paths32: 32 * 2 * 4
        case .paths64: 64 * 2 * 8
        }
    }

    var leafCount: Int {
        switch self {
        case .heap6, .paths64: 64
        case .heap8: 256
        case .heap10: 1_024
        case .paths32: 32
        }
    }

    /// Levels of records below the screen.
    var recordLevels: Int {
        switch self {
        case .heap8: 1
        case .heap10: 2
        case .heap6, .paths32, .paths64: 0
        }
    }

    func byteCount(_ arithmetic: TreeEnsemble.Arithmetic) -> Int {
        screenBytes + detailBytes + leafCount * (arithmetic == .single ? 4 : 8)
    }

    /// The shape of trees of at most this depth with at most so many leaves; nil if none will do.
    static func fitting(depth: Int, leaves: Int, _ layout: TreeLayout) -> TreeShape? {
        if depth <= 6 { return .heap6 }
        if layout == .paths, leaves <= 32 { return .paths32 }
        if layout == .paths, leaves <= 64 { return .paths64 }
        return depth <= 8 ? .heap8 : depth <= 10 ? .heap10 : nil
    }
}
