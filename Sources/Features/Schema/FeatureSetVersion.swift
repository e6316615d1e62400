// SPDX-License-Identifier: Apache-2.0

/// One immutable version of a feature set: features in order, each on a physical column.
package struct FeatureSetVersion: Hashable, Sendable {
    /// 1, 2, 3, without gaps.
    package let number: UInt32
    /// The entity kinds that together are the key, in key order.
    package let entityKinds: [String]
    /// The number of that list of kinds in keys of rows.
    package let kindsID: UInt16
    /// The features, in the order that a model sees; only their descriptions ever change.
    package internal(set) var features: [FeatureDefinition]
    /// The column of each feature, in the order of `features`.
    package let columnIDs: [UInt16]
    /// A value older than this is expired; 0 means never.
    package let ttlMilliseconds: UInt64

    /// The place of the feature called `name`.
    ///
    /// - Complexity: O(features); for configuration, not for requests.
    package func index(ofFeature name: String) -> Int? {
        features.firstIndex { $0.name == name }
    }
}
