// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import Crypto
internal import Rollout

/// The verbs of `Rollouts`, as they are asked. Control work: they wait for the disk.
extension Engine {
    /// Evaluates a model beside STABLE.
    package func shadow(
        _ request: KassaV1.ShadowRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.RolloutResponse {
        let call = try VerbCall(request)
        return try carryOut(
            .shadow(try candidate(request.model)), call,
            guard: request.guard ?? KassaV1.GuardPolicy(), at: now)
    }

    /// Lets a model answer a share of entities.
    package func canary(
        _ request: KassaV1.CanaryRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.RolloutResponse {
        let call = try VerbCall(request)
        guard request.stepPercents.count <= RolloutLimits.stepsMax else {
            throw EngineError(RolloutRefusal.tooManySteps)
        }
        var steps: [Weight] = []
        for (index, percent) in request.stepPercents.enumerated() {
            steps.append(try weight(percent, at: "step_percents[\(index)]"))
        }
        let weight = try weight(request.weightPercent, at: "weight_percent")
        let bundle: Bundle
        if request.model.isEmpty {
            let base = published.current
            guard let spec = base.scorerSpec(request.scorer) else {
                throw EngineError(.notFound, "scorer: there is none of that name")
            }
            guard let rollout = base.rollout(of: spec).slots.openRollout else {
                throw EngineError(
                    .invalidArgument, "model: must be named, because nothing is in SHADOW")
            }
            bundle = rollout.candidate
        } else {
            bundle = try candidate(request.model)
        }
        return try carryOut(
            .canary(bundle, weight, steps: steps), call,
            guard: request.guard ?? KassaV1.GuardPolicy(), at: now)
    }

    /// Gives a canary another share.
    package func setWeight(
        _ request: KassaV1.SetWeightRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.RolloutResponse {
        let call = try VerbCall(request)
        let weight = try weight(request.weightPercent, at: "weight_percent")
        return try carryOut(.setWeight(weight), call, at: now)
    }

    /// Holds a canary's weight.
    package func pause(
        _ request: KassaV1.PauseRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.RolloutResponse {
        try carryOut(.pause, VerbCall(request), at: now)
    }

    /// Goes on after a pause.
    package func resume(
        _ request: KassaV1.ResumeRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.RolloutResponse {
        try carryOut(.resume, VerbCall(request), at: now)
    }

    /// Takes a candidate a step further, or to STABLE.
    package func promote(
        _ request: KassaV1.PromoteRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.RolloutResponse {
        try carryOut(.promote(isFull: request.full), VerbCall(request), at: now)
    }

    /// Ends a rollout.
    package func abort(
        _ request: KassaV1.AbortRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.RolloutResponse {
        try carryOut(.abort, VerbCall(request), at: now)
    }

    /// Puts the model before the last promotion back.
    package func undo(
        _ request: KassaV1.UndoRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.RolloutResponse {
        try carryOut(.undo, VerbCall(request), at: now)
    }

    private func weight(_ percent: Double, at field: String) throws(EngineError) -> Weight {
        guard let weight = Weight(percent: percent) else {
            throw EngineError(
                .invalidArgument, "\(field): must be from 0 to 100 in steps of 0.0001")
        }
        return weight
    }

    /// The bundle that a request names: its model is there, verified and compiled since its upload.
    private func candidate(_ name: String) throws(EngineError) -> Bundle {
        guard name.utf8.contains(UInt8(ascii: "@")) else {
            throw EngineError(
                .invalidArgument, "model: must name a version, as in abandonment@2")
        }
        guard let model = published.current.model(name) else {
            throw EngineError(
                .notFound, "model: there is no such model; upload it first (kassa model upload)")
        }
        guard model.isServed else {
            throw EngineError(
                .failedPrecondition,
                "model: it is not served, it failed its check at start: \(model.info.defect)")
        }
        return model.bundle
    }
}

/// A retreat whose traffic was taken away already, on the loop that heard of it.
package struct Retreat: Sendable {
    let brake: Brake
    let flags: Brake.Flags

    /// Gives the traffic back: the verb was refused after all.
    package func cancel() { brake.release(flags) }
}

/// Retreats at once: what an operator's call does before the control thread comes to it.
extension Engine {
    /// Takes a candidate's traffic away if `Abort` will be carried out; any thread.
    package func anticipate(_ request: KassaV1.AbortRequest) -> Retreat? {
        anticipate(.abort, .abort, request.scorer, request.expectedRevision)
    }

    /// Gives PREVIOUS all traffic if `Undo` will be carried out; any thread.
    package func anticipate(_ request: KassaV1.UndoRequest) -> Retreat? {
        anticipate(.undo, .undo, request.scorer, request.expectedRevision)
    }

    private func anticipate(
        _ verb: Verb, _ flags: Brake.Flags, _ scorer: String, _ expected: UInt64?
    ) -> Retreat? {
        let call = VerbCall(scorer: scorer, expectedRevision: expected, actor: "", reason: "")
        guard let planned = try? plan(verb, call, in: published.current), planned.2.isChange,
            planned.1.brake.pull(flags)
        else { return nil }
        wakeKeeper()
        return Retreat(brake: planned.1.brake, flags: flags)
    }
}
