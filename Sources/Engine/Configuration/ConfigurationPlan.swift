// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features
internal import Rollout

/// What applying documents would do to a configuration: a value, so that a dry run is the same code.
struct ConfigurationPlan {
    private let base: Configuration
    private(set) var features: FeatureCatalog
    private(set) var scorers: [String: KassaV1.ScorerSpec]
    /// A line for each document, in the order given.
    private(set) var entries: [KassaV1.PlanEntry] = []
    /// Feature sets that differ afterwards, by name.
    private(set) var changedSets: [String: FeatureSet] = [:]
    /// Scorers that differ afterwards, by name.
    private(set) var changedScorers: [String: KassaV1.ScorerSpec] = [:]

    init(base: Configuration) {
        self.base = base
        features = base.features
        scorers = Dictionary(uniqueKeysWithValues: base.scorerSpecs.map { ($0.name, $0) })
    }

    /// Whether anything differs afterwards.
    var isChange: Bool { !changedSets.isEmpty || !changedScorers.isEmpty }

    /// The configuration afterwards.
    func configuration(epoch: UInt64) throws(EngineError) -> Configuration {
        try Configuration(
            epoch: epoch, features: features, models: base.models,
            modelNumbers: base.modelNumbers, scorerSpecs: Array(scorers.values),
            places: base.places, rollouts: base.rollouts)
    }

    /// Adds one document; `field` is its place in the request.
    mutating func add(_ document: KassaV1.Document, at field: String) throws(EngineError) {
        switch document.resource {
        case .featureSet(let spec): try add(spec, at: "\(field).feature_set")
        case .scorer(let spec): try add(spec, at: "\(field).scorer")
        case nil: throw EngineError(.invalidArgument, "\(field): it has no resource")
        }
    }

    private mutating func add(
        _ spec: KassaV1.FeatureSetSpec, at field: String
    ) throws(EngineError) {
        let change: FeatureSetChange
        do throws(FeatureSetError) {
            change = try features.apply(
                try FeatureSetDefinition(spec), readers: base.readers(of:version:))
        } catch {
            throw EngineError(error, in: "\(field).")
        }
        if change.action != .unchanged { changedSets[change.set.name] = change.set }
        entries.append(change.planEntry)
    }

    private mutating func add(
        _ given: KassaV1.ScorerSpec, at field: String
    ) throws(EngineError) {
        try Words.check(given, at: field)
        let old = scorers[given.name]
        var spec = given
        spec.model = try model(of: given, old, at: field)
        try checkLane(of: spec.name, at: field)
        if let old { try checkAssignment(of: spec, old, at: field) }
        let details = Self.differences(from: old, to: spec)
        if !details.isEmpty {
            scorers[spec.name] = spec
            changedScorers[spec.name] = spec
        }
        entries.append(
            KassaV1.PlanEntry(
                action: old == nil ? .add : details.isEmpty ? .unchanged : .change,
                kind: ResourceKind.scorer, name: spec.name, details: details))
    }

    /// Recorded scores are told apart by a hash of the scorer's name, so no two may have the same one.
    private func checkLane(of name: String, at field: String) throws(EngineError) {
        let lane = ScoreID.lane(of: name.utf8Span.span)
        let other = scorers.keys.first {
            $0 != name && ScoreID.lane(of: $0.utf8Span.span) == lane
        }
        guard let other else { return }
        throw EngineError(
            .failedPrecondition,
            "\(field).name: its hash is that of scorer \(other); choose another name")
    }

    /// Entities keep their slots while a rollout is judged: under another kind they would all be drawn anew,
    /// and be taken for new ones by whoever counts them. What else a guard judges by is the rollout's own.
    private func checkAssignment(
        of spec: KassaV1.ScorerSpec, _ old: KassaV1.ScorerSpec, at field: String
    ) throws(EngineError) {
        guard base.assignmentKind(of: spec) != base.assignmentKind(of: old),
            let entry = base.rollouts.scorers[spec.name],
            let rollout = entry.slots.openRollout ?? entry.slots.promotion
        else { return }
        let end =
            rollout.phase.isOpen
            ? "promote or abort it first" : "wait until PREVIOUS is released, or undo it first"
        throw EngineError(
            .failedPrecondition,
            "\(field).entity: rollout \(rollout.id) of this scorer is \(rollout.phase.name), and "
                + "judged by who is in which slot; \(end)")
    }

    /// The model of a scorer's STABLE slot: a document fills it once, later models come in by rollouts.
    private func model(
        of spec: KassaV1.ScorerSpec, _ old: KassaV1.ScorerSpec?, at field: String
    ) throws(EngineError) -> String {
        if let old, spec.model.isEmpty { return old.model }
        guard let model = base.model(spec.model) else {
            throw EngineError(
                .failedPrecondition,
                "\(field).model: there is no such model; upload it first (kassa model upload)")
        }
        guard old == nil || old?.model == model.name else {
            throw EngineError(
                .failedPrecondition,
                "\(field).model: STABLE has \(old?.model ?? ""); another model comes in by a rollout"
                    + " (kassa rollout shadow, kassa rollout canary)")
        }
        guard old != nil || model.isServed else {
            throw EngineError(
                .failedPrecondition,
                "\(field).model: it is not served, it failed its check at start: "
                    + model.info.defect)
        }
        guard old != nil || !base.rollouts.isQuarantined(model.bundleDigest) else {
            throw EngineError(
                .failedPrecondition, "\(field).model: its bundle is quarantined")
        }
        return model.name
    }

    private static func differences(
        from old: KassaV1.ScorerSpec?, to new: KassaV1.ScorerSpec
    ) -> [String] {
        guard let old else { return ["model \(new.model) in slot STABLE"] }
        var lines: [String] = []
        if old.entity != new.entity { lines.append("entity of assignments changes") }
        if old.owner != new.owner { lines.append("owner changes") }
        if old.description != new.description { lines.append("description changes") }
        if old.labels != new.labels { lines.append("labels change") }
        if old.decisionThreshold != new.decisionThreshold {
            lines.append(
                "decision_threshold \(old.decisionThreshold) becomes \(new.decisionThreshold), "
                    + "for rollouts that begin later")
        }
        if old.drift != new.drift { lines.append("how drift is judged changes") }
        if OutcomePolicy(old.outcomes) != OutcomePolicy(new.outcomes) {
            lines.append("when outcomes count changes")
        } else if old.outcomes != new.outcomes {
            lines.append("the words of outcomes change, not what they say")
        }
        return lines
    }
}

extension Configuration {
    /// The entity kind that a scorer there already is assigned by under `spec`.
    fileprivate func assignmentKind(of spec: KassaV1.ScorerSpec) -> String {
        guard spec.entity.isEmpty else { return spec.entity }
        let stable = scorers.first { $0.slot == .stable && $0.spec.name == spec.name }
        return stable?.plan.groups.first?.entityKinds.first ?? ""
    }
}
