// SPDX-License-Identifier: Apache-2.0

/// What applying a definition, or dropping a version, does to a feature set: an entry of a plan, and its
/// result.
package struct FeatureSetChange: Sendable {
    /// The kinds of change.
    package enum Action: Hashable, Sendable {
        /// The set, or a version of it, is new.
        case add
        /// No new version: words (owner, description, labels, deprecation, history) differ.
        case change
        case unchanged
        /// A version is dropped.
        case remove
    }

    /// What kind of change it is.
    package let action: Action
    /// The version that the definition is.
    package let version: UInt32
    /// What exactly is new or different, a line each.
    package let details: [String]
    /// For a new version: the features that differ from the version before.
    package var features: [FeatureDifference] = []
    /// What should be looked at first, a line each.
    package var warnings: [String] = []
    /// The set afterwards.
    package let set: FeatureSet
}
