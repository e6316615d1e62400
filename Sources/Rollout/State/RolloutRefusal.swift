// SPDX-License-Identifier: Apache-2.0

/// Why a verb makes no sense now. It has changed nothing then.
package enum RolloutRefusal: Error, Hashable, Sendable {
    /// Somebody else changed the slots: they are at this revision.
    case otherRevision(UInt64)
    /// No rollout is open.
    case noRollout
    /// Another rollout is open; one at a time.
    case openRollout(RolloutState)
    /// The rollout is in a phase that the verb has no meaning for.
    case wrongPhase(RolloutPhase)
    /// The bundle is what STABLE has.
    case isStable
    /// The bundle is kept out of slots.
    case quarantined
    /// The candidate of the open rollout is kept out of slots: it gets no more weight.
    case quarantinedCandidate
    /// What STABLE had before is kept out of slots.
    case quarantinedPrevious
    /// A canary of no weight is a shadow.
    case noWeight
    /// The weight of a paused rollout only falls.
    case risesWhilePaused
    /// Steps rise, from above the first weight.
    case stepsDoNotRise
    /// More steps than ``RolloutLimits/stepsMax``.
    case tooManySteps
    /// A shadow has answered nobody: only a full promotion takes it to STABLE.
    case shadowNeedsFull
    /// There is no promotion to undo, or its time is over.
    case nothingToUndo

    /// The refusal in words, beginning with the field at fault.
    package var reason: String {
        switch self {
        case .otherRevision(let revision):
            "expected_revision: the slots are at revision \(revision); look again"
        case .noRollout: "scorer: it has no open rollout"
        case .openRollout(let rollout):
            "scorer: rollout \(rollout.id) is \(rollout.phase.name); promote or abort it first"
        case .wrongPhase(let phase): "scorer: its rollout is \(phase.name)"
        case .isStable: "model: it is what STABLE has"
        case .quarantined:
            "model: its bundle is quarantined; kassa rollout clear-quarantine lifts that"
        case .quarantinedCandidate:
            "scorer: the bundle of its candidate is quarantined; abort the rollout, or lift that "
                + "with kassa rollout clear-quarantine"
        case .quarantinedPrevious:
            "scorer: the bundle in PREVIOUS is quarantined; kassa rollout clear-quarantine lifts that"
        case .noWeight: "weight_percent: must be above 0; a shadow is a candidate without weight"
        case .risesWhilePaused: "weight_percent: resume the rollout before its weight rises"
        case .stepsDoNotRise: "step_percents: must rise, from above weight_percent, to at most 100"
        case .tooManySteps: "step_percents: more than \(RolloutLimits.stepsMax)"
        case .shadowNeedsFull:
            "full: the candidate has answered nobody yet; make it a canary, or promote it in full"
        case .nothingToUndo: "scorer: no promotion is left to undo"
        }
    }
}
