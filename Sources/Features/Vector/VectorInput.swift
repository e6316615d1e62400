// SPDX-License-Identifier: Apache-2.0

/// One input of a model: a feature of a pinned version, and for a string its categories in code order.
package struct VectorInput: Sendable {
    package let set: FeatureSet
    package let version: FeatureSetVersion
    package let feature: String
    package let categories: [String]

    package init(
        set: FeatureSet, version: FeatureSetVersion, feature: String, categories: [String] = []
    ) {
        self.set = set
        self.version = version
        self.feature = feature
        self.categories = categories
    }
}
