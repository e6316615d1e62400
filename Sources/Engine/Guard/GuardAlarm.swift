// SPDX-License-Identifier: Apache-2.0

internal import Rollout

/// Something that a guard did, or holds against a candidate, which somebody should hear of.
package struct GuardAlarm: Sendable {
    /// What it is about.
    package enum Kind: Sendable {
        /// The candidate was taken out for the evidence against it.
        case rolledBack
        /// It was taken out because it broke the contract.
        case contractViolation
        /// The evidence forbids more weight.
        case frozen
        /// Entities are not split as the weight says; the rollout was paused.
        case sampleRatioMismatch
        /// It was not through its steps by the deadline; the rollout was paused.
        case deadline
        /// It was left without weight, because it cannot be judged any more.
        case unjudged
        /// STABLE has a bundle that another scorer's evidence, or its undo, has put into quarantine.
        case quarantinedStable
    }

    /// What it is about.
    package let kind: Kind
    /// The scorer.
    package let scorer: String
    /// The rollout.
    package let rollout: UInt64
    /// The candidate, "abandonment@2".
    package let model: String
    /// Why, in a sentence.
    package let reason: String
    /// The merged evidence as a natural logarithm.
    package let logEvidence: Double
    /// What was the matter most, up to ``causesMax``.
    package var causes: [Cause] = []

    /// Of how many entities something was the matter, or a time in microseconds.
    package struct Cause: Sendable {
        /// "STALE profile.visits", what an error said, "slo_us" or "typical_us".
        package let name: String
        /// How many, or how long.
        package let number: Double
    }

    /// Causes that one alarm has.
    package static let causesMax = 8
}

extension GuardOrder {
    /// What is told once it was carried out; nil for a step.
    var alarm: GuardAlarm? {
        let kind: GuardAlarm.Kind? =
            switch verb {
            case .rollBack: isViolation ? .contractViolation : .rolledBack
            case .pause: isDeadline ? .deadline : .sampleRatioMismatch
            case .setWeight: .unjudged
            default: nil
            }
        return kind.map {
            GuardAlarm(
                kind: $0, scorer: scorer, rollout: rollout, model: model, reason: reason,
                logEvidence: logEvidence, causes: causes)
        }
    }
}
