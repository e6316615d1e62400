// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features
internal import Models
internal import Rollout

/// What a loop must know to watch the requests of a scorer with an open rollout.
///
/// Part of a configuration, and the same for all loops.
final class Watch: Sendable {
    /// The number of the rollout; 0 if none is open, and then nothing is watched.
    let rollout: UInt64
    /// The candidate's weight in millionths; of a shadow half, because it stands beside STABLE.
    let weight: UInt32
    let isShadow: Bool
    /// The place of the candidate among the configuration's models.
    let candidate: Int
    /// A slower score misses its objective.
    let sloNanoseconds: UInt64
    /// A request is scored by both models if the entity's sampling hash is at most this.
    let pairHashMax: UInt64
    let decisionThreshold: Double
    /// Whether one vector serves both models.
    let sharesInputs: Bool
    /// The inputs that only one of the two models has.
    let ownInputsOfStable: [Int]
    let ownInputsOfCandidate: [Int]

    /// Nothing to watch.
    static let none = Watch()

    /// Whether there is something to watch.
    @inline(__always)
    var isOn: Bool { rollout != 0 }

    private init() {
        rollout = 0
        weight = 0
        isShadow = false
        candidate = -1
        sloNanoseconds = .max
        pairHashMax = .max
        decisionThreshold = 0.5
        sharesInputs = false
        ownInputsOfStable = []
        ownInputsOfCandidate = []
    }

    /// The watch over an open rollout, whose candidate is at place `candidate`.
    init(
        _ rollout: RolloutState, _ policy: KassaV1.GuardPolicy, at place: Int,
        stable: Scorer, candidate: Scorer
    ) {
        self.rollout = rollout.id
        isShadow = rollout.phase == .shadow
        weight =
            rollout.phase == .shadow ? Weight.wholeMillionths / 2 : rollout.weight.millionths
        self.candidate = place
        sloNanoseconds = UInt64(policy.sloMicroseconds) * 1_000
        let share = policy.pairSharePercent / 100
        pairHashMax = share >= 1 ? .max : UInt64(share * 0x1p64)
        decisionThreshold = policy.decisionThreshold
        sharesInputs = stable.takesVector(of: candidate)
        let names = (stable.pinnedInputs, candidate.pinnedInputs)
        let (stableNames, candidateNames) = (Set(names.0), Set(names.1))
        ownInputsOfStable = names.0.indices.filter { !candidateNames.contains(names.0[$0]) }
        ownInputsOfCandidate = names.1.indices.filter { !stableNames.contains(names.1[$0]) }
    }

    /// Whether the requests of an entity are scored by both models. Mixed anew, because the hash has
    /// chosen the arm already.
    @inline(__always)
    func samples(_ entity: UInt64) -> Bool {
        guard pairHashMax != .max else { return true }
        var hash = entity ^ 0x9E37_79B9_7F4A_7C15
        hash = (hash ^ hash >> 30) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ hash >> 27) &* 0x94D0_49BB_1331_11EB
        return hash ^ hash >> 31 <= pairHashMax
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
