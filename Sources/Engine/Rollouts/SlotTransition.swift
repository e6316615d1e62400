// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout

/// One scorer's slots before and after a verb.
struct SlotTransition {
    let spec: KassaV1.ScorerSpec
    let verb: Verb
    let before: ScorerRollout
    let after: ScorerRollout
    /// Why, if that is not what the call says that made it.
    var reason: String? = nil

    /// A rollout whose promotion cannot be undone any more.
    var endedPromotion: UInt64? {
        let id = before.slots.promotion?.id
        return id == after.slots.promotion?.id ? nil : id
    }

    /// Whether a guard has pulled a brake that is out of force now, and what it was about is still there: a
    /// candidate in STABLE since, or a promotion behind which another rollout has begun.
    var inheritsBrake: Bool {
        before.brake !== after.brake && before.brake.flags.contains(.rollBack)
            && after.slots.previous != nil
    }

    /// Has the brake that is in force hold what the one before it did.
    func inheritBrake() {
        if inheritsBrake { after.brake.pull(.rollBack) }
    }
}
