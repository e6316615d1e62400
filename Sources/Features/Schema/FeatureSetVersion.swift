// SPDX-License-Identifier: Apache-2.0

internal import Base

/// One immutable version of a feature set: features in order, each on a physical column.
package struct FeatureSetVersion: Sendable {
    /// 1, 2, 3, without gaps; never given twice, even if the version is dropped.
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
    /// Why the version should not be used any more; empty if it should.
    package internal(set) var deprecation: String
    /// Whether the version is gone: only its number and its kinds are left.
    package let isDropped: Bool
    /// For each feature that declares categories, these.
    let categories: [ByteTable?]

    init(
        number: UInt32, entityKinds: [String], kindsID: UInt16, features: [FeatureDefinition],
        columnIDs: [UInt16], ttlMilliseconds: UInt64, deprecation: String = "",
        isDropped: Bool = false
    ) {
        self.number = number
        self.entityKinds = entityKinds
        self.kindsID = kindsID
        self.features = features
        self.columnIDs = columnIDs
        self.ttlMilliseconds = ttlMilliseconds
        self.deprecation = deprecation
        self.isDropped = isDropped
        categories = features.map { $0.categories.isEmpty ? nil : ByteTable($0.categories) }
    }

    /// What is left of the version when it is dropped.
    var dropped: FeatureSetVersion {
        FeatureSetVersion(
            number: number, entityKinds: entityKinds, kindsID: kindsID, features: [],
            columnIDs: [], ttlMilliseconds: 0, isDropped: true)
    }

    /// The place of the feature called `name`.
    ///
    /// - Complexity: O(features); for configuration, not for requests.
    package func index(ofFeature name: String) -> Int? {
        features.firstIndex { $0.name == name }
    }
}

extension FeatureSetVersion: Equatable {
    /// Whether both declare the same.
    package static func == (left: FeatureSetVersion, right: FeatureSetVersion) -> Bool {
        left.number == right.number && left.entityKinds == right.entityKinds
            && left.kindsID == right.kindsID && left.features == right.features
            && left.columnIDs == right.columnIDs && left.ttlMilliseconds == right.ttlMilliseconds
            && left.deprecation == right.deprecation && left.isDropped == right.isDropped
    }
}
