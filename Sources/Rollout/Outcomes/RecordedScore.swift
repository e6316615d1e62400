// SPDX-License-Identifier: Apache-2.0

/// What is kept of a score until its outcome is known: numbers only, of the entity no more than a hash.
package struct RecordedScore: Sendable, BitwiseCopyable {
    /// Its name, with the scorer's lane and the time.
    package var id: ScoreID
    /// The number of the open rollout; 0 if there was none.
    package var rollout: UInt64
    /// The hash of the routing key, or of the scorer's entity.
    package var entity: UInt64
    /// The stable model's score; NaN if it was not computed.
    package var stable: Double
    /// The candidate's score; NaN if there is none or it was not computed.
    package var candidate: Double
    /// The first eight bytes, big-endian, of the SHA-256 of the bundle that `stable` is of.
    package var stableBundle: UInt64
    /// The same of the candidate's bundle.
    package var candidateBundle: UInt64
    /// The slot that answered, by its number in the API.
    package var slot: UInt8
    /// The slot that the candidate is in, by its number in the API; 0 without one.
    package var candidateSlot: UInt8

    /// A score to be kept.
    package init(
        id: ScoreID, rollout: UInt64 = 0, entity: UInt64, stable: Double,
        candidate: Double = .nan, stableBundle: UInt64, candidateBundle: UInt64 = 0, slot: UInt8,
        candidateSlot: UInt8 = 0
    ) {
        self.id = id
        self.rollout = rollout
        self.entity = entity
        self.stable = stable
        self.candidate = candidate
        self.stableBundle = stableBundle
        self.candidateBundle = candidateBundle
        self.slot = slot
        self.candidateSlot = candidateSlot
    }
}

/// A label that counts, with the score that it is about.
package struct MaturedLabel: Sendable {
    /// The score.
    package let score: RecordedScore
    /// Whether that happened which the score is the probability of.
    package let label: Bool
    /// Whether it counts at its maturity, in the order of predictions. One that came later is for
    /// calibration only: evidence that took it would see early labels, which are mostly positive, first.
    package let isOnTime: Bool
}
