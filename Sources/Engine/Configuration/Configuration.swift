// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Features

/// Everything that answers depend on, as of one epoch: immutable, replaced whole.
package final class Configuration: Sendable {
    /// The number of this configuration; each change makes the next.
    package let epoch: UInt64
    let features: FeatureCatalog
    /// Versions of models by name, ascending.
    let models: [String: [Model]]
    /// The highest version that a model of a name has had, deleted ones included.
    let modelNumbers: [String: UInt32]
    /// Scorers by name, compiled for this epoch.
    let scorers: [Scorer]
    /// A scorer's index in `scorers`, by the bytes of its name.
    let scorerIndex: ByteTable
    /// Where the rows of each feature set are.
    let places: RowPlaces

    init(
        epoch: UInt64, features: FeatureCatalog, models: [String: [Model]],
        modelNumbers: [String: UInt32], scorerSpecs: [KassaV1.ScorerSpec], places: RowPlaces
    ) throws(EngineError) {
        self.epoch = epoch
        self.features = features
        self.models = models
        self.modelNumbers = modelNumbers
        self.places = places
        var scorers: [Scorer] = []
        for spec in scorerSpecs.sorted(by: { $0.name < $1.name }) {
            guard let model = Self.model(spec.model, in: models) else {
                throw EngineError(
                    .failedPrecondition, "scorer \(spec.name): there is no model \(spec.model)")
            }
            scorers.append(
                try Scorer(spec, model: model, features: features, places: places))
        }
        self.scorers = scorers
        scorerIndex = ByteTable(scorers.map(\.spec.name))
    }

    /// The model that "name@version" or "name" (the newest) means.
    func model(_ reference: String) -> Model? {
        Self.model(reference, in: models)
    }

    private static func model(_ reference: String, in models: [String: [Model]]) -> Model? {
        guard let reference = VersionedName(reference), let versions = models[reference.name] else {
            return nil
        }
        guard reference.version > 0 else { return versions.last }
        return versions.first { $0.info.spec?.version == reference.version }
    }

    /// What reads a version of a feature set, "cart@1": models, with the scorers that name them.
    func readers(of version: String) -> [String] {
        models.keys.sorted().flatMap { models[$0] ?? [] }
            .filter { model in
                model.info.spec?.inputs.contains { $0.featureSet == version } ?? false
            }
            .flatMap { model in
                let scorers = scorers(of: model).map {
                    "scorer \($0.spec.name) (model \(model.name))"
                }
                return scorers.isEmpty ? ["model \(model.name)"] : scorers
            }
    }

    /// The scorers that name `model`.
    func scorers(of model: Model) -> [Scorer] {
        scorers.filter { $0.model === model }
    }
}
