// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Features
internal import Rollout

/// The rules for names and prose in documents.
enum Words {
    /// Checks a scorer's words; `field` is its place in the request.
    static func check(_ spec: KassaV1.ScorerSpec, at field: String) throws(EngineError) {
        try checkName(spec.name, at: "\(field).name")
        if !spec.entity.isEmpty { try checkName(spec.entity, at: "\(field).entity") }
        try checkProse(spec.owner, at: "\(field).owner")
        try checkProse(spec.description, at: "\(field).description")
        try checkLabels(spec.labels, at: "\(field).labels")
        guard spec.decisionThreshold.isFinite else {
            throw EngineError(
                .invalidArgument, "\(field).decision_threshold: must be a finite number")
        }
        if let fault = spec.drift.flatMap(DriftSettings.fault) {
            throw EngineError(.invalidArgument, "\(field).drift.\(fault)")
        }
        try checkOutcomes(spec.outcomes, at: "\(field).outcomes")
    }

    /// Checks a model's words; `field` is the spec's place in the request.
    static func check(_ spec: KassaV1.ModelSpec, at field: String) throws(EngineError) {
        try checkName(spec.name, at: "\(field).name")
        try checkProse(spec.owner, at: "\(field).owner")
        try checkProse(spec.description, at: "\(field).description")
        try checkProse(spec.trainingRunId, at: "\(field).training_run_id")
        try checkLabels(spec.labels, at: "\(field).labels")
    }

    /// A name obeys the one rule for names.
    static func checkName(_ name: String, at field: String) throws(EngineError) {
        guard Name.isValid(name) else {
            throw EngineError(.invalidArgument, "\(field): \(Name.rule)")
        }
    }

    /// Prose is bounded.
    static func checkProse(_ text: String, at field: String) throws(EngineError) {
        guard text.utf8.count <= FeatureLimits.proseByteCountMax else {
            throw EngineError(
                .invalidArgument,
                "\(field): longer than \(FeatureLimits.proseByteCountMax) bytes")
        }
    }

    private static func checkLabels(
        _ labels: [String: String], at field: String
    ) throws(EngineError) {
        guard labels.count <= FeatureLimits.labelsMax else {
            throw EngineError(
                .invalidArgument, "\(field): more than \(FeatureLimits.labelsMax) labels")
        }
        for (key, value) in labels {
            guard !key.isEmpty else {
                throw EngineError(.invalidArgument, "\(field): a key is empty")
            }
            try checkProse(key, at: field)
            try checkProse(value, at: field)
        }
    }

    private static func checkOutcomes(
        _ spec: KassaV1.OutcomeSpec?, at field: String
    ) throws(EngineError) {
        guard OutcomePolicy(spec) != nil else {
            throw EngineError(
                .invalidArgument,
                "\(field): maturity_ms and horizon_ms must be from "
                    + "\(OutcomePolicy.millisecondsMin) to \(OutcomePolicy.millisecondsMax), the "
                    + "maturity not after the horizon, and absent IGNORE or NEGATIVE")
        }
    }
}
