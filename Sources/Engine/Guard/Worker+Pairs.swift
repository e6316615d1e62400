// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout

/// What a loop does for its guards once the replies of a turn were sent.
extension Worker {
    /// What is learnt from requests that were answered.
    mutating func afterReply() {
        guard isWatching else { return }
        loopWatch.settle(at: scorePairs())
    }

    /// Has the other model score what waits for it, and tells the guard; when that was done.
    ///
    /// In the order of the requests: told model by model, the arms would come in runs, and what is weighed
    /// after every event, the split of entities above all, would take each run for a trend. What is not
    /// scored twice was told when it was answered, before the pairs of its turn: failures, and who is not sampled,
    /// which for equal models is independent of the arm.
    @discardableResult
    mutating func scorePairs() -> MonotonicTime {
        let started = MonotonicTime.now()
        var ended = started
        defer { loopWatch.ring(at: ended) }
        guard !pairs.pairs.isEmpty else { return ended }
        for index in pairs.pairs.indices {
            let pair = pairs.pairs[index]
            score(pair, by: lanes[pair.other], &ended)
        }
        pairs.removeAll()
        loopWatch.spend(nanoseconds: ended.nanoseconds(since: started))
        return ended
    }

    /// Scores one pair, from `ended` on, which the one before has left.
    private mutating func score(
        _ pair: PairQueue.Pair, by lane: ScoreLane, _ ended: inout MonotonicTime
    ) {
        let watch = lane.watch
        let scratch = lane.scratch
        var event = pair.event
        let isTrial = lane.isTrial
        let started = ended
        scratch.setVector(pairs.values.span, at: pair.start)
        if pair.isDegraded { scratch.setStatuses(pairs.statuses.span, at: pair.start) }
        let score = lane.evaluate() ?? .nan
        ended = .now()
        let elapsed = ended.nanoseconds(since: started) &+ pair.nanoseconds
        event.atNanoseconds = ended.nanoseconds
        let violation = lane.contractViolation(score)
        if isTrial, let violation { brake(lane.split, for: violation, &event) }
        if watch.mode.comparesRequests {
            event.marks.insert(.isCompared)
            if let violation { noteError(violation.words, &event, ofTrial: isTrial) }
            if !isTrial {
                compareTimes(&event, pair, watch, elapsed)
                ended = .now()
            } else if elapsed > watch.sloNanoseconds {
                event.missed(nanoseconds: elapsed, ofTrial: true)
            }
        }
        if score.isFinite {
            if lane.scorer.slot != .previous {
                drift.observe(
                    scratch, isDegraded: pair.isDegraded, score: score, place: lane.place)
            }
            guardCounters.timed(lane.place, nanoseconds: elapsed)
            guardCounters.differ(lane.stablePlace, by: score - pair.score)
            event.marks.insert(.isPair)
            let threshold = watch.decisionThreshold
            if (score >= threshold) != (pair.score >= threshold) {
                event.marks.insert(.decisionsDiffer)
            }
        }
        loopWatch.tell(event)
        guard var record = pair.record else { return }
        if score.isFinite {
            if lane.scorer.slot == .stable {
                record.stable = score
                record.stableBundle = lane.scorer.model.bundlePrefix
            } else {
                record.candidate = score
                record.candidateBundle = lane.scorer.model.bundlePrefix
                record.candidateSlot = UInt8(truncatingIfNeeded: lane.scorer.slot.rawValue)
            }
        }
        recorder.record(record)
    }

    /// Says which of the two missed its objective where the one on trial answers.
    ///
    /// That one was timed while its caller waited, in the middle of a turn, with no cache warm; the other one after
    /// the reply, which took `elapsed`. The same model in both places would miss more often in the first. So what
    /// convicts is that it is slower than the other one in the same place too, twice; and the other one, if that
    /// is slower. If both are as good, the one on trial has no more of these misses than the other.
    private func compareTimes(
        _ event: inout GuardEvent, _ pair: PairQueue.Pair, _ watch: Watch, _ elapsed: UInt64
    ) {
        let isMissed = event.trial.contains(.sloMiss)
        guard isMissed || watch.isSlow(elapsed) else { return }
        func timeAgain(_ slot: Int, _ start: Int, _ gathering: UInt64) -> UInt64 {
            let started = MonotonicTime.now()
            lanes[slot].scratch.setVector(pairs.values.span, at: start)
            _ = lanes[slot].evaluate()
            return MonotonicTime.now().nanoseconds(since: started) &+ gathering
        }
        func timeTrial() -> UInt64 {
            timeAgain(watch.trial, pair.trialStart, pair.trialNanoseconds)
        }
        // One that answered in half of its time needs no second look.
        let again = pair.trialStart >= 0 ? timeTrial() : 0
        if isMissed, watch.isSlower(again, than: elapsed),
            watch.isSlower(timeTrial(), than: elapsed)
        {
            return
        }
        let isOthers =
            watch.isSlower(elapsed, than: again)
            && watch.isSlower(timeAgain(pair.other, pair.start, pair.nanoseconds), than: again)
        if isOthers { event.trial.remove(.sloMiss) }
        if isOthers { event.missed(nanoseconds: elapsed, ofTrial: false) }
        if isMissed { event.reference.insert(.sloMiss) }
    }
}
