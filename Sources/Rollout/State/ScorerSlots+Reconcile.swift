// SPDX-License-Identifier: Apache-2.0

extension ScorerSlots {
    /// The slots as they may be in force after a restart: all of them, if what was stored agrees with
    /// what is there; else STABLE as it is there, and the candidate without weight.
    ///
    /// - Parameters:
    ///   - present: what the configuration has in STABLE.
    ///   - isThere: whether a bundle can be put into a slot.
    package func reconciled(stable present: Bundle, isThere: (Bundle) -> Bool) -> ScorerSlots {
        var slots = self
        if let previous, !isThere(previous) { slots.previous = nil }
        if slots.previous == nil { slots.promotion = nil }
        let agrees = stable == present
        slots.stable = present
        guard let open = openRollout else { return slots }
        if !isThere(open.candidate) || open.candidate.digest == present.digest {
            slots.rollout?.phase = .aborted
            slots.rollout?.weight = .none
        } else if !agrees {
            if open.phase == .canary { slots.rollout?.phase = .paused }
            slots.rollout?.weight = .none
        }
        return slots
    }
}
