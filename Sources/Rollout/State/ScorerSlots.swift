// SPDX-License-Identifier: Apache-2.0

/// Which bundle is in which slot of one scorer, and the rollout that wants to change it.
///
/// A pure state machine: verbs in, the next value or a typed refusal out; no clock, no store.
///
/// Invariants: STABLE is never empty. At most one rollout is open; its candidate is not STABLE's
/// bundle. No quarantined bundle enters a slot or gets more weight; one that is in STABLE stays there,
/// because it answers instead of nothing. Each change makes the next revision, and nothing else
/// does. A verb that was carried out already changes nothing and is no error.
///
/// ```swift
/// var slots = ScorerSlots(stable: old)
/// let change = try slots.applying(.canary(new, weight, steps: []), expecting: 0, as: draw)
/// slots = change.slots
/// ```
package struct ScorerSlots: Hashable, Sendable {
    /// What answers everybody whom no canary answers.
    package internal(set) var stable: Bundle
    /// What STABLE had before the last promotion, as long as that can be undone.
    package internal(set) var previous: Bundle?
    /// The rollout that filled PREVIOUS, as long as that is there; nil if the slots were stored by a release
    /// that did not keep it, and another has begun since.
    package internal(set) var promotion: RolloutState?
    /// The newest rollout, open or ended; nil before the first.
    package internal(set) var rollout: RolloutState?
    /// How many changes there were.
    package internal(set) var revision: UInt64
    /// The verb that made the newest revision, so that it is known when it is repeated.
    package internal(set) var lastVerb: String

    /// Slots as they were stored; by default those of a new scorer.
    package init(
        stable: Bundle, previous: Bundle? = nil, promotion: RolloutState? = nil,
        rollout: RolloutState? = nil, revision: UInt64 = 0, lastVerb: String = ""
    ) {
        self.stable = stable
        self.previous = previous
        let promoted = promotion ?? (rollout?.phase == .promoted ? rollout : nil)
        self.promotion = previous == nil ? nil : promoted
        self.rollout = rollout
        self.revision = revision
        self.lastVerb = lastVerb
    }

    /// The rollout whose candidate is in a slot of its own.
    package var openRollout: RolloutState? {
        rollout.flatMap { $0.phase.isOpen ? $0 : nil }
    }

    /// The promotion that STABLE is still on trial for: it can be undone, and no other rollout is open.
    package var aftercare: RolloutState? {
        guard openRollout == nil, let promotion, promotion.candidate == stable else { return nil }
        return promotion
    }

    /// The bundle that answers a share of entities.
    package var canary: Bundle? {
        rollout.flatMap { $0.phase == .canary || $0.phase == .paused ? $0.candidate : nil }
    }

    /// The bundle that is evaluated and answers nobody.
    package var shadow: Bundle? {
        rollout.flatMap { $0.phase == .shadow ? $0.candidate : nil }
    }
}
