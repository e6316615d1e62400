// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Features
internal import Rollout

/// Everything that answers depend on, as of one epoch: immutable, replaced whole.
package final class Configuration: Sendable {
    /// The number of this configuration; each change makes the next.
    package let epoch: UInt64
    let features: FeatureCatalog
    /// Versions of models by name, ascending.
    let models: [String: [Model]]
    /// The highest version that a model of a name has had, deleted ones included.
    let modelNumbers: [String: UInt32]
    /// Every model in a slot, compiled for this epoch: first the STABLE slots of the scorers by name,
    /// then whatever is in other slots.
    let scorers: [Scorer]
    /// For each of them, the place of the STABLE slot of the same scorer.
    let stablePlaces: [Int]
    /// How many scorers there are.
    let scorerCount: Int
    /// For each scorer, which of its slots answers whom.
    let splits: [Split]
    /// The index in `scorers` of a scorer's STABLE slot, by the bytes of its name.
    let scorerIndex: ByteTable
    /// What is in the slots of scorers, and what is kept out of them.
    let rollouts: RolloutBook
    /// Where the rows of each feature set are.
    let places: RowPlaces

    init(
        epoch: UInt64, features: FeatureCatalog, models: [String: [Model]],
        modelNumbers: [String: UInt32], scorerSpecs: [KassaV1.ScorerSpec], places: RowPlaces,
        rollouts: RolloutBook, reusing compiled: [Scorer] = []
    ) throws(EngineError) {
        self.epoch = epoch
        self.features = features
        self.models = models
        self.modelNumbers = modelNumbers
        self.places = places
        self.rollouts = rollouts
        let specs = scorerSpecs.sorted { $0.name < $1.name }
        let found = Dictionary(
            compiled.map { (ObjectIdentifier($0.model), $0) }, uniquingKeysWith: { one, _ in one })
        func scorer(
            _ spec: KassaV1.ScorerSpec, _ name: String, _ slot: KassaV1.Slot
        ) throws(EngineError) -> Scorer {
            guard let model = Self.model(name, in: models) else {
                throw EngineError(
                    .failedPrecondition, "scorer \(spec.name): there is no model \(name)")
            }
            if let compiled = found[ObjectIdentifier(model)] {
                return Scorer(spec, slot, like: compiled)
            }
            return try Scorer(spec, slot, model: model, features: features, places: places)
        }
        var scorers: [Scorer] = []
        for spec in specs { scorers.append(try scorer(spec, spec.model, .stable)) }
        var splits: [Split] = []
        var stablePlaces = Array(specs.indices)
        for (index, spec) in specs.enumerated() {
            let entry = rollouts.scorers[spec.name]
            func add(_ bundle: Bundle?, _ slot: KassaV1.Slot) throws(EngineError) -> Int {
                guard let bundle else { return -1 }
                scorers.append(try scorer(spec, bundle.model, slot))
                stablePlaces.append(index)
                return scorers.count - 1
            }
            let kind =
                spec.entity.isEmpty ? scorers[index].plan.groups.first?.entityKinds.first : nil
            let canary = try add(entry?.slots.canary, .canary)
            let shadow = try add(entry?.slots.shadow, .shadow)
            let previous = try add(entry?.slots.previous, .previous)
            var watch = Watch.none
            if let watched = entry?.watched(for: spec) {
                let isAftercare = WatchMode(of: watched.rollout) == .aftercare
                let trial = isAftercare ? index : max(canary, shadow)
                let reference = isAftercare ? previous : index
                if trial >= 0 && reference >= 0 {
                    watch = Watch(
                        watched.rollout, watched.policy, trial: trial, reference: reference,
                        of: scorers)
                }
            }
            splits.append(
                Split(
                    canary: canary, shadow: shadow,
                    previous: previous, weight: entry?.slots.rollout?.weight ?? .none,
                    hash: EntityHash(
                        salt: (entry?.slots.aftercare ?? entry?.slots.rollout)?.salt ?? ""),
                    brake: entry?.brake ?? Brake(), kind: Array((kind ?? spec.entity).utf8),
                    watch: watch))
        }
        self.scorers = scorers
        self.stablePlaces = stablePlaces
        self.splits = splits
        scorerCount = specs.count
        scorerIndex = ByteTable(specs.map(\.name))
    }

    /// The scorers' documents, by name; the model of each is what STABLE has.
    var scorerSpecs: [KassaV1.ScorerSpec] {
        scorers.prefix(scorerCount).map(\.spec)
    }

    /// The document of a scorer.
    func scorerSpec(_ name: String) -> KassaV1.ScorerSpec? {
        let index = scorerIndex.index(of: name.utf8Span.span)
        return index >= 0 ? scorers[index].spec : nil
    }

    /// The bundle that "name@version" is.
    func bundle(_ name: String) -> Bundle? {
        Self.bundle(name, in: models)
    }

    /// The bundle that "name@version" is among `models`.
    static func bundle(_ name: String, in models: [String: [Model]]) -> Bundle? {
        model(name, in: models)?.bundle
    }

    /// What is in a scorer's slots.
    func rollout(of spec: KassaV1.ScorerSpec) -> ScorerRollout {
        rollouts.scorers[spec.name]
            ?? ScorerRollout(
                slots: ScorerSlots(stable: bundle(spec.model) ?? Bundle(model: "", digest: [])))
    }

    /// The model that "name@version" or "name" (the newest) means.
    func model(_ reference: String) -> Model? {
        Self.model(reference, in: models)
    }

    static func model(_ reference: String, in models: [String: [Model]]) -> Model? {
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
                    "scorer \($0.name) (model \(model.name))"
                }
                return scorers.isEmpty ? ["model \(model.name)"] : scorers
            }
    }

    /// The scorers that have `model` in a slot.
    func scorers(of model: Model) -> [KassaV1.ScorerSpec] {
        let names = Set(scorers.filter { $0.model === model }.map(\.spec.name))
        return scorerSpecs.filter { names.contains($0.name) }
    }
}
