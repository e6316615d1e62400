// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features

/// Turns the inputs that a model's spec names into features of pinned versions.
enum ModelInputs {
    /// The features behind `inputs`, in their order.
    static func resolve(
        _ inputs: [KassaV1.ModelInput], in features: FeatureCatalog
    ) throws(EngineError) -> [VectorInput] {
        var resolved: [VectorInput] = []
        resolved.reserveCapacity(inputs.count)
        for (index, input) in inputs.enumerated() {
            guard let reference = FeatureSetReference(input.featureSet), reference.version > 0
            else {
                throw EngineError(
                    .invalidArgument,
                    "inputs[\(index)].feature_set: must name a version, as in cart@1")
            }
            guard let (set, version) = features.resolve(reference) else {
                throw EngineError(
                    .notFound,
                    "inputs[\(index)].feature_set: there is no such feature set or version")
            }
            resolved.append(
                VectorInput(
                    set: set, version: version, feature: input.feature,
                    categories: input.categories))
        }
        return resolved
    }
}
