// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Rollout

/// How one loop hands over the scores that callers want to report outcomes of.
///
/// ``reserve(scorer:at:)`` before the reply gives it its id, ``record(_:)`` after it puts what is known by
/// then: with a candidate in a slot, both models' scores of the same vector. In between there is room
/// for it, so a reply that carries an id is a score that goes to the store. Neither locks or allocates.
/// It belongs to the loop's thread.
struct ScoreRecorder {
    private let ring: SPSCRing<RecordedScore>
    private let counters: OutcomeCounters
    private let loop: Int
    /// Differs from process to process, so that no id comes again after a clock was set back.
    private let salt: UInt64
    private var serial = UInt32.random(in: 0 ... .max)
    private var reserved = 0

    init(_ outcomes: Outcomes, loop: Int) {
        ring = outcomes.rings[loop]
        counters = outcomes.counters
        salt = outcomes.salt
        self.loop = loop
    }

    /// An id for a score, with room to record it; nil, and counted, while the loop's ring is full.
    mutating func reserve(scorer: Span<UInt8>, at now: Timestamp) -> ScoreID? {
        guard ring.count + reserved < ring.capacity else {
            counters.count(.ringFull, lane: loop)
            return nil
        }
        reserved += 1
        serial &+= 1
        // Loops differ in the upper eight of the forty bits, scores of a loop in the lower ones.
        let number = UInt64(truncatingIfNeeded: loop) << 32 | UInt64(serial)
        return ScoreID(
            lane: ScoreID.lane(of: scorer), microseconds: now.microseconds, serial: number ^ salt)
    }

    /// Hands over the score that ``reserve(scorer:at:)`` gave an id.
    mutating func record(_ score: RecordedScore) {
        reserved -= 1
        // Cannot fail: the room was reserved, and only this loop fills the ring.
        ring.push(score)
    }
}
