// SPDX-License-Identifier: Apache-2.0

/// The bounds of guards.
package enum GuardLimits {
    /// Events that wait on one loop for the guard thread; a power of two.
    static let waitingEventsMax = 16_384
    /// Events of one loop in one turn of the guard thread.
    static let eventsPerTurn = 8_192
    /// How often the guard thread looks while something is watched, if nothing may decide about it: loops
    /// ring for what may.
    static let watchingTurnNanoseconds: UInt64 = 2_000_000
    /// The least time between two rings of one loop.
    static let ringNanoseconds: UInt64 = 200_000
    /// What a watched request costs its loop while its caller waits; measured by `Bench guard-cost`.
    static let watchedNanoseconds: UInt64 = 250
    /// The part of the time for watching that events may take; the rest is for scoring by the other model.
    static let eventTimePart = 0.4
    /// From so many events on, a turn of the guard thread says what one costs.
    static let eventsTimed = 16
    /// Requests that wait for the end of a turn to be scored by the other model.
    static let waitingPairsMax = 256
    /// Inputs of theirs together.
    static let waitingInputsMax = 65_536
    /// Entities on record per kind of event.
    package static let samplesMax = 50
    /// How often is seen whether there is evidence to store.
    static let storeMilliseconds: UInt64 = 1_000
    /// How often evidence that has changed is stored, with the memory of who has spoken: 1.7 MiB.
    static let storeChangesMilliseconds: UInt64 = 2_000
    /// The same behind a promotion, where it goes on for a day: the longest time, to which the times grow from that.
    static let storeAftercareMilliseconds: UInt64 = 60_000
    /// How often the age of an open rollout is stored that nothing happens to.
    static let storeAgeMilliseconds: UInt64 = 60_000
    /// The share of entities that PREVIOUS scores too after a promotion, if nobody says otherwise.
    package static let watchSharePercent = 5.0
    /// What a score may take, if nobody says otherwise.
    package static let sloMicroseconds: UInt32 = 500
    /// Entities of a step, if nobody says otherwise.
    package static let entitiesMin: UInt64 = 10_000
    /// Pairs before a step, if nobody says otherwise.
    package static let pairsMin: UInt64 = 1_000
    /// A longer time without a look is none in which a step was observed: the process was stopped.
    static let unobservedNanosecondsMax: UInt64 = 1_000_000_000
    /// When an open rollout with steps is paused, if nobody says otherwise: a week.
    package static let deadlineMilliseconds: UInt64 = 604_800_000
    /// The least tolerated probability of a needless rollback: a millionth of a millionth is never, and less
    /// would ask for evidence that no rollout gathers.
    package static let alphaMin = 1e-12
    /// The greatest: caution comes at odds of 30 to 1.
    package static let alphaMax = 1 / 30.0
    /// The least share of entities that both models score, in percent: one of a million.
    package static let sharePercentMin = 0.0001
    /// The most entities or pairs that a step may wait for: beyond that the memory of who has spoken drops
    /// more than every fourth new one (``FilterBytes``), and the step might wait for ever.
    package static let waitedForMax: UInt64 = 2_000_000
    /// The longest that a duration of a policy may be: a year.
    package static let durationMillisecondsMax: UInt64 = 31_536_000_000
    /// The longest that a score's objective may be.
    package static let sloMicrosecondsMax: UInt32 = 60_000_000
    /// Rollouts whose last answer is measured at the same time; others share a place with one of them. A loop
    /// notes them in the bits of a word.
    static let answerPlaces = UInt64.bitWidth
    /// Rollouts that are watched no more of which it is known why they were convicted.
    static let convictionsMax = 16
    /// How long answers that are under way when a brake is pulled may take to be counted as late.
    static let lastAnswersMicroseconds: UInt32 = 2_000
}
