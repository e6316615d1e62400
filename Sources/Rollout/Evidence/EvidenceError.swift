// SPDX-License-Identifier: Apache-2.0

/// Why a rule, a share or stored evidence cannot be used.
package enum EvidenceError: Error, Equatable, Sendable {
    /// A number of the rule is not in the range that its declaration names.
    case outOfRange(String)
    /// More different shares in one rollout than ``EvidenceLimits/sharesMax``.
    case tooManyShares
    /// Stored evidence ends early, is too long, or its checksum disagrees.
    case corrupt
    /// Stored evidence was made by a format or a rule that this release does not know.
    case unknownVersion(UInt16)
}

/// The bounds of one rollout's evidence.
package enum EvidenceLimits {
    /// Different shares of traffic that one rollout may pass through: those of its steps, and none, are kept
    /// free.
    package static let sharesMax = 64
    /// Bytes of a filter, at most.
    package static let filterBytesMax = 1 << 26
    /// Bytes of a filter, at least: one block.
    package static let filterBytesMin = 64
}
