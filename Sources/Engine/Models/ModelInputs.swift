// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features
internal import Models

/// Turns the inputs that a model's spec names into features of pinned versions.
enum ModelInputs {
    /// The plan that gathers the inputs of `model` as `spec` names them.
    static func plan(
        _ spec: KassaV1.ModelSpec, of model: CompiledModel, in features: FeatureCatalog
    ) throws(EngineError) -> VectorPlan {
        let inputs = try resolve(spec.inputs, taking: model.inputs, in: features)
        let plan: VectorPlan
        do throws(FieldError) {
            plan = try VectorPlan(inputs)
        } catch {
            throw EngineError(error, in: "spec.")
        }
        // A vector feature is an input for each of its components.
        guard model.summary.featureCount == plan.count else {
            throw EngineError(
                .invalidArgument,
                "spec.inputs: the artefact takes \(model.summary.featureCount), "
                    + "\(plan.count) were named")
        }
        return plan
    }

    /// The features behind `inputs`, in their order; `taken` is what the artefact's row takes.
    static func resolve(
        _ inputs: [KassaV1.ModelInput], taking taken: [ModelInput], in features: FeatureCatalog
    ) throws(EngineError) -> [VectorInput] {
        var resolved: [VectorInput] = []
        resolved.reserveCapacity(inputs.count)
        var place = 0
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
            let feature = version.index(ofFeature: input.feature).map { version.features[$0] }
            var texts: [String] = []
            if place < taken.count, taken[place].isText {
                texts = taken[place].categories
                try check(input, takesTexts: feature, texts, at: "inputs[\(index)]")
            }
            var value: DefaultValue?
            if let stated = input.default, let feature {
                value = DefaultValue(stated, as: feature.type)
                guard value != nil else {
                    throw EngineError(
                        .invalidArgument,
                        "inputs[\(index)].default: is not a \(feature.type.name)")
                }
            }
            resolved.append(
                VectorInput(
                    set: set, version: version, feature: input.feature,
                    categories: texts.isEmpty ? input.categories : texts, codes: input.codes,
                    otherCode: texts.isEmpty ? input.otherCode ?? .nan : unknownText,
                    defaultValue: value))
            place += feature?.type.inputCount ?? 1
        }
        return resolved
    }

    /// What a model with text inputs of its own takes for a text that it does not know.
    private static let unknownText: Float = -1

    /// An input that the artefact takes as a text has the artefact's own encoding.
    private static func check(
        _ input: KassaV1.ModelInput, takesTexts feature: FeatureDefinition?, _ texts: [String],
        at field: String
    ) throws(EngineError) {
        guard feature == nil || feature?.type == .string else {
            throw EngineError(
                .invalidArgument,
                "\(field).feature: the artefact takes a text here; the feature must be a string")
        }
        guard input.categories.isEmpty || input.categories == texts, input.codes.isEmpty,
            input.otherCode == nil
        else {
            throw EngineError(
                .invalidArgument,
                "\(field).categories: the artefact encodes this text itself; leave categories, "
                    + "codes and other_code out")
        }
    }
}
