// SPDX-License-Identifier: Apache-2.0

/// One attempt to replace a scorer's stable model: a value, changed only by ``ScorerSlots``.
package struct RolloutState: Hashable, Sendable {
    /// Never given twice in a store.
    package let id: UInt64
    /// The draw that assigns entities; another rollout of the same model draws anew.
    package let salt: String
    /// What is tried.
    package let candidate: Bundle
    /// What was STABLE when it began.
    package let baseline: Bundle
    /// Where it stands.
    package internal(set) var phase: RolloutPhase
    /// The share of entities that the candidate answers: none unless the phase is canary or paused.
    package internal(set) var weight: Weight
    /// The weights that ``Verb/promote(isFull:)`` goes through, rising; behind the last comes STABLE.
    package internal(set) var steps: [Weight]

    /// A rollout as it was stored.
    package init(
        id: UInt64, salt: String, candidate: Bundle, baseline: Bundle, phase: RolloutPhase,
        weight: Weight, steps: [Weight]
    ) {
        self.id = id
        self.salt = salt
        self.candidate = candidate
        self.baseline = baseline
        self.phase = phase
        self.weight = weight
        self.steps = steps
    }

    /// The first step above the present weight; nil behind the last.
    package var nextStep: Weight? {
        steps.first { $0 > weight }
    }
}
