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
    /// What the model sees of each category; empty for 0, 1, 2, ...
    package let codes: [Float]
    /// What the model sees of a text that is no category; NaN is missing.
    package let otherCode: Float
    /// Stands in for a missing value in the place of the feature's own default.
    package let defaultValue: DefaultValue?

    /// An input; ``VectorPlan`` checks it.
    package init(
        set: FeatureSet, version: FeatureSetVersion, feature: String, categories: [String] = [],
        codes: [Float] = [], otherCode: Float = .nan, defaultValue: DefaultValue? = nil
    ) {
        self.set = set
        self.version = version
        self.feature = feature
        self.categories = categories
        self.codes = codes
        self.otherCode = otherCode
        self.defaultValue = defaultValue
    }
}
