// SPDX-License-Identifier: Apache-2.0

/// One input of a model: a feature of a pinned version, and for a string its categories in code order.
package struct VectorInput: Sendable {
    /// The feature set.
    package let set: FeatureSet
    /// The version that the model is pinned to.
    package let version: FeatureSetVersion
    /// The feature's name in that version.
    package let feature: String
    /// For a string feature: the categories in code order, or none for those that it declares; else empty.
    package let categories: [String]

    /// An input; ``VectorPlan`` checks it.
    package init(
        set: FeatureSet, version: FeatureSetVersion, feature: String, categories: [String] = []
    ) {
        self.set = set
        self.version = version
        self.feature = feature
        self.categories = categories
    }
}
