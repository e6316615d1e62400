// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout

/// What is in a scorer's slots, with what the engine adds to the pure state: times and the brake.
struct ScorerRollout: Sendable {
    var slots: ScorerSlots
    /// When the newest rollout began, and when it last changed; wall time, for people.
    var startedAtMicroseconds: Int64 = 0
    var changedAtMicroseconds: Int64 = 0
    /// When PREVIOUS was filled; 0 if it is empty.
    var previousSinceMicroseconds: Int64 = 0
    /// The same by the monotonic clock, if that was in this process.
    var previousSince: MonotonicTime?
    /// Of the newest rollout, or of its promotion.
    var brake = Brake()
    /// What the guard of the newest rollout judges by.
    var policy = KassaV1.GuardPolicy()
    /// When the rollout that filled PREVIOUS began, and what it is judged by after its promotion; of use
    /// once another has begun.
    var promotionStartedAtMicroseconds: Int64 = 0
    var promotionPolicy = KassaV1.GuardPolicy()

    init(slots: ScorerSlots) {
        self.slots = slots
    }

    /// The same after `change`, at that time.
    func after(_ change: SlotChange, at now: Int64) -> ScorerRollout {
        var next = self
        next.slots = change.slots
        if change.slots.rollout != slots.rollout {
            next.changedAtMicroseconds = now
            if change.slots.rollout?.id != slots.rollout?.id {
                let isOld = change.slots.rollout?.id == slots.promotion?.id
                next.startedAtMicroseconds = isOld ? promotionStartedAtMicroseconds : now
                if isOld { next.policy = promotionPolicy }
            }
        }
        if change.slots.promotion?.id != slots.promotion?.id {
            next.promotionStartedAtMicroseconds = startedAtMicroseconds
            next.promotionPolicy = policy
        }
        if change.slots.previous != slots.previous {
            next.previousSinceMicroseconds = change.slots.previous == nil ? 0 : now
            next.previousSince = change.slots.previous == nil ? nil : .now()
        }
        // A retreat that was announced holds as long as what it is about is in its slot: an open rollout,
        // else a promotion.
        let isSame =
            change.slots.openRollout?.id == slots.openRollout?.id
            && (slots.openRollout != nil
                || change.slots.stable == slots.stable && change.slots.previous == slots.previous)
        if !isSame { next.brake = Brake() }
        return next
    }

    /// The rollout that is watched, with what its guard judges by: the open one, else the promotion that
    /// can be undone.
    func watched(
        for spec: KassaV1.ScorerSpec
    ) -> (rollout: RolloutState, policy: KassaV1.GuardPolicy)? {
        if let rollout = slots.openRollout { return (rollout, policy.completed(for: spec)) }
        guard let rollout = slots.aftercare else { return nil }
        let policy = promotionPolicy.completed(for: spec)
        return policy.watchSharePercent ?? 0 > 0 ? (rollout, policy) : nil
    }
}

/// The slots of all scorers and the bundles that are kept out of them: a part of a configuration.
struct RolloutBook: Sendable {
    /// Slots by scorer; one that never had a rollout is not here.
    var scorers: [String: ScorerRollout] = [:]
    /// Bundles in quarantine by digest.
    var quarantine: [[UInt8]: KassaStorageV1.StoredQuarantine] = [:]

    /// Whether the bundle with that digest is kept out of slots.
    func isQuarantined(_ digest: [UInt8]) -> Bool { quarantine[digest] != nil }
}
