// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features
internal import Models
internal import Rollout

/// What a loop must know to watch the requests of a scorer with an open rollout, or with a promotion that
/// can be undone.
///
/// Part of a configuration, and the same for all loops.
final class Watch: Sendable {
    /// The number of the rollout; 0 if there is nothing to watch.
    let rollout: UInt64
    /// The share that evidence is weighed under, in millionths.
    let weight: UInt32
    let mode: WatchMode
    /// The place of the model on trial among the configuration's models.
    let trial: Int
    /// The place of the model that it is compared with, and that answers when it fails.
    let reference: Int
    /// A slower score misses its objective.
    let sloNanoseconds: UInt64
    /// A request is scored by both models if the entity's draw for pairs is at most this.
    let pairDrawMax: UInt64
    let decisionThreshold: Double
    /// The inputs of both models together.
    let inputCount: Int
    /// Whether one vector serves both models.
    let sharesInputs: Bool
    /// The inputs that only one of the two models has.
    let ownInputsOfTrial: [Int]
    let ownInputsOfReference: [Int]

    /// Nothing to watch.
    static let none = Watch()

    /// Whether there is something to watch.
    @inline(__always)
    var isOn: Bool { rollout != 0 }

    private init() {
        rollout = 0
        weight = 0
        mode = .split
        trial = -1
        reference = -1
        sloNanoseconds = .max
        pairDrawMax = .max
        decisionThreshold = 0.5
        inputCount = 0
        sharesInputs = false
        ownInputsOfTrial = []
        ownInputsOfReference = []
    }

    /// The watch over a rollout, whose two models are at those places of `scorers`.
    init(
        _ rollout: RolloutState, _ policy: KassaV1.GuardPolicy, trial: Int, reference: Int,
        of scorers: [Scorer]
    ) {
        self.rollout = rollout.id
        mode = WatchMode(of: rollout)
        weight = mode.share(of: rollout)
        self.trial = trial
        self.reference = reference
        sloNanoseconds = UInt64(policy.sloMicroseconds) * 1_000
        let share =
            (mode == .aftercare ? policy.watchSharePercent ?? 0 : policy.pairSharePercent) / 100
        pairDrawMax = EntityDraw.largest(ofShare: share)
        decisionThreshold = policy.decisionThreshold
        inputCount = scorers[trial].plan.count + scorers[reference].plan.count
        sharesInputs = scorers[reference].takesVector(of: scorers[trial])
        let names = (trial: scorers[trial].pinnedInputs, reference: scorers[reference].pinnedInputs)
        let sets = (trial: Set(names.trial), reference: Set(names.reference))
        ownInputsOfTrial = names.trial.indices.filter { !sets.reference.contains(names.trial[$0]) }
        ownInputsOfReference = names.reference.indices.filter {
            !sets.trial.contains(names.reference[$0])
        }
    }

    /// Whether a score took so long, beside its objective, that times of the two models are to be compared.
    @inline(__always)
    func isSlow(_ nanoseconds: UInt64) -> Bool { nanoseconds > sloNanoseconds / 2 }

    /// Whether a time that is slow is longer than that of the other model by more than a quarter.
    func isSlower(_ nanoseconds: UInt64, than other: UInt64) -> Bool {
        isSlow(nanoseconds) && nanoseconds > other &+ other / 4
    }

    /// The inputs that only the model at that place has.
    @inline(__always)
    func ownInputs(of slot: Int) -> [Int] {
        slot == trial ? ownInputsOfTrial : ownInputsOfReference
    }

    /// Whether the requests of an entity are scored by both models, if it is watched and there is time.
    @inline(__always)
    func samples(_ entity: UInt64) -> Bool {
        pairDrawMax == .max || EntityDraw.ofPairs(of: entity) <= pairDrawMax
    }
}

extension Scorer {
    /// What its inputs read, "cart@2.items": by another version the same value may be stale.
    fileprivate var pinnedInputs: [String] {
        plan.names.indices.map {
            "\(plan.setNames[$0])@\(plan.versions[$0]).\(plan.names[$0])"
        }
    }

    /// Whether both models take the same vector: same features, same codes, in the same order.
    func takesVector(of other: Scorer) -> Bool {
        model.info.spec?.inputs == other.model.info.spec?.inputs
            && model.compiled.inputs.map(\.categories)
                == other.model.compiled.inputs.map(\.categories)
    }
}
