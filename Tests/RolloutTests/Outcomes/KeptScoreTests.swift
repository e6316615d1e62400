// SPDX-License-Identifier: Apache-2.0

import Base
import Rollout
import Testing

struct KeptScoreTests {
    private let score = RecordedScore(
        id: ScoreID(lane: 3, microseconds: 1_000_000, serial: 9), rollout: 5, entity: 0xE17,
        stable: 0.25, candidate: 0.5, stableBundle: 0xAB, candidateBundle: 0xCD, slot: 1,
        candidateSlot: 2)

    @Test func `the first label stays`() {
        for label in [false, true] {
            var kept = KeptScore(score)
            #expect(kept.outcome == .open)
            #expect(kept.take(label, at: 77) == .accepted)
            #expect(kept.take(label, at: 78) == .duplicate)
            #expect(kept.take(!label, at: 79) == .conflicting)
            #expect(kept.outcome.label == label)
            #expect(kept.outcomeMicroseconds == 77)
        }
    }

    @Test func `a score without an outcome waits, or counts as a no, as its scorer says`() {
        var waiting = KeptScore(score)
        #expect(waiting.mature(absent: .ignore) == nil)
        #expect(waiting.outcome == .open)
        #expect(waiting.take(true, at: 1) == .accepted)
        #expect(waiting.lateLabel?.label == true)
        #expect(waiting.lateLabel?.isOnTime == false)

        var silent = KeptScore(score)
        let label = silent.mature(absent: .negative)
        #expect(label?.label == false)
        #expect(label?.isOnTime == true)
        #expect(silent.outcome == .silent)
        #expect(silent.take(false, at: 1) == .duplicate)
        #expect(silent.take(true, at: 1) == .conflicting)
    }

    @Test func `a label that was there at maturity counts, whatever silence would mean`() {
        for absent in [OutcomePolicy.Absent.ignore, .negative] {
            var kept = KeptScore(score)
            #expect(kept.take(true, at: 1) == .accepted)
            #expect(kept.mature(absent: absent)?.label == true)
            #expect(kept.outcome == .positive)
        }
    }

    @Test func `what is stored reads back whole`() throws {
        var kept = KeptScore(score)
        #expect(kept.take(true, at: -12) == .accepted)
        let bytes = kept.bytes
        #expect(bytes.count == KeptScore.byteCount)
        let found = KeptScore(bytes.span, id: score.id)
        let read = try #require(found)
        #expect(read.outcome == .positive)
        #expect(read.outcomeMicroseconds == -12)
        #expect(read.score.id == score.id)
        #expect(read.score.rollout == 5)
        #expect(read.score.entity == 0xE17)
        #expect(read.score.stable == 0.25)
        #expect(read.score.candidate == 0.5)
        #expect(read.score.stableBundle == 0xAB)
        #expect(read.score.candidateBundle == 0xCD)
        #expect(read.score.slot == 1)
        #expect(read.score.candidateSlot == 2)
    }

    @Test func `a bit that flips anywhere, in the bytes or in the key, is noticed`() {
        let bytes = KeptScore(score).bytes
        for bit in 0..<8 * bytes.count {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            let read = KeptScore(damaged.span, id: score.id)
            #expect(read == nil)
        }
        let misplaced = KeptScore(bytes.span, id: score.id.next)
        #expect(misplaced == nil)
        let short = KeptScore(bytes.span.extracting(0..<63), id: score.id)
        #expect(short == nil)
    }

    @Test func `a policy takes its bounds and refuses what is beyond`() throws {
        let standard = try #require(OutcomePolicy())
        #expect(standard == .standard)
        #expect(standard.maturityMicroseconds == 1_800_000_000)
        #expect(standard.horizonMicroseconds == 86_400_000_000)
        // A longer maturity takes the horizon along, unless that was said.
        let long = try #require(OutcomePolicy(maturityMilliseconds: 2 * 86_400_000))
        #expect(long.horizonMicroseconds == long.maturityMicroseconds)
        let least = OutcomePolicy.millisecondsMin
        let most = OutcomePolicy.millisecondsMax
        #expect(OutcomePolicy(maturityMilliseconds: least, horizonMilliseconds: least) != nil)
        #expect(OutcomePolicy(maturityMilliseconds: least - 1) == nil)
        #expect(OutcomePolicy(maturityMilliseconds: most, horizonMilliseconds: most) != nil)
        #expect(OutcomePolicy(maturityMilliseconds: most + 1) == nil)
        #expect(OutcomePolicy(horizonMilliseconds: most + 1) == nil)
        #expect(
            OutcomePolicy(maturityMilliseconds: 5_000, horizonMilliseconds: 4_999) == nil)
        #expect(OutcomePolicy(maturityMilliseconds: .max) == nil)
    }

    @Test func `a score is past the horizon one microsecond after it`() throws {
        let policy = try #require(
            OutcomePolicy(maturityMilliseconds: 1_000, horizonMilliseconds: 2_000))
        let id = ScoreID(lane: 1, microseconds: 10_000_000, serial: 4)
        #expect(!policy.isPastHorizon(id, now: 12_000_000))
        #expect(policy.isPastHorizon(id, now: 12_000_001))
        #expect(id > policy.lastMature(lane: 1, now: 10_999_999))
        #expect(id <= policy.lastMature(lane: 1, now: 11_000_000))
    }
}
