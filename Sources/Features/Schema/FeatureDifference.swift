// SPDX-License-Identifier: Apache-2.0

/// A feature that a version adds, changes or lacks, compared with the one before.
package struct FeatureDifference: Hashable, Sendable {
    /// The kinds of difference.
    package enum Action: Hashable, Sendable {
        case added, changed, dropped
    }

    /// What kind of difference it is.
    package let action: Action
    /// The feature's name.
    package let name: String
    /// What exactly, a line each.
    package let details: [String]
}
