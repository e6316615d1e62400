// SPDX-License-Identifier: Apache-2.0

internal import Features
internal import Rollout

/// What a loop notes of why a model fell back or failed: a number in the event, found without a lock or an
/// allocation for every cause that it has met before. A request with which all is well never comes here.
extension Worker {
    /// Notes a fallback of the model of `lane`, whose vector is gathered.
    ///
    /// - Complexity: O(inputs that only this model has).
    mutating func noteFallback(_ event: inout GuardEvent, of lane: ScoreLane) {
        let watch = lane.watch
        let isTrial = lane.isTrial
        event.insert(.fallback, ofTrial: isTrial)
        let inputs = watch.ownInputs(of: lane.place)
        let scratch = lane.scratch
        var exact = CauseKey(rollout: watch.rollout, isTrial: isTrial, isError: false)
        var first = -1
        for input in inputs {
            let status = scratch.status(input)
            guard status != ValueStatus.present.rawValue else { continue }
            if first < 0 { first = input }
            exact.add(UInt64(truncatingIfNeeded: input) << 8 | UInt64(status))
        }
        guard first >= 0 else { return }
        if let number = causes.number(of: exact.value) {
            event.setCause(number, ofTrial: isTrial)
            return
        }
        var number: UInt8 = 0
        if !causes.isFull {
            let features = features(inputs, of: lane)
            number = engine.guards.causes.number(
                of: GuardCause(event: .fallback, isTrial: isTrial, features: features),
                in: watch.rollout)
        }
        if number == 0 { number = numberOfSet(first, of: lane) }
        causes.remember(exact.value, as: number)
        event.setCause(number, ofTrial: isTrial)
    }

    /// Notes an error of one of the two models, and what it said.
    mutating func noteError(
        _ reason: String, _ event: inout GuardEvent, ofTrial isTrial: Bool
    ) {
        event.insert(.error, ofTrial: isTrial)
        var key = CauseKey(rollout: event.rollout, isTrial: isTrial, isError: true)
        for byte in reason.utf8 { key.add(UInt64(byte)) }
        let number: UInt8
        if let known = causes.number(of: key.value) {
            number = known
        } else if causes.isFull {
            number = 0
        } else {
            number = engine.guards.causes.number(
                of: GuardCause(event: .error, isTrial: isTrial, error: reason), in: event.rollout)
            causes.remember(key.value, as: number)
        }
        event.setCause(number, ofTrial: isTrial)
    }

    /// The number of the cause that an input's feature set gives, where there are too many to tell apart.
    private mutating func numberOfSet(_ input: Int, of lane: ScoreLane) -> UInt8 {
        let isTrial = lane.isTrial
        let plan = lane.plan
        let status = lane.scratch.status(input)
        var key = CauseKey(rollout: lane.watch.rollout, isTrial: isTrial, isError: false)
        key.add(.max)
        for byte in plan.setNames[input].utf8 { key.add(UInt64(byte)) }
        key.add(UInt64(status))
        if let known = causes.number(of: key.value) { return known }
        guard !causes.isFull else { return 0 }
        let number = engine.guards.causes.number(
            of: GuardCause(anyOf: plan.setNames[input], status: status, isTrial: isTrial),
            in: lane.watch.rollout)
        causes.remember(key.value, as: number)
        return number
    }

    /// Those of `inputs` that are not PRESENT, by name: with the set's version where the other model reads
    /// another one of the same feature.
    private func features(_ inputs: [Int], of lane: ScoreLane) -> [GuardCause.Feature] {
        let scorer = lane.scorer
        let watch = lane.watch
        let other = lanes[lane.isTrial ? watch.reference : watch.trial].scorer
        var features: [GuardCause.Feature] = []
        for input in inputs where features.count < CauseLimits.featuresMax {
            let status = lane.scratch.status(input)
            guard status != ValueStatus.present.rawValue else { continue }
            let (set, name) = (scorer.plan.setNames[input], scorer.plan.names[input])
            let isShared = other.inputNames.contains(scorer.inputNames[input])
            let version = isShared ? "@\(scorer.plan.versions[input])" : ""
            features.append(.init(name: "\(set)\(version).\(name)", status: status))
        }
        return features
    }
}
