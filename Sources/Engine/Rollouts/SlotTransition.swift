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
}
