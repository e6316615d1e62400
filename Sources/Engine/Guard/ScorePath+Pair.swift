// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Features
internal import Rollout

/// What is kept of a watched request, while its caller waits, for the model that did not answer it.
extension Worker {
    /// Puts a request in the queue of those that the other model is to score, with the event and the record that
    /// both scores belong to; false if it cannot.
    ///
    /// One vector serves both models, or that of the other is gathered now, from the same snapshot.
    mutating func enqueue(
        _ event: GuardEvent, _ lane: ScoreLane, _ answer: PairQueue.Answer,
        _ message: Span<UInt8>, at now: Timestamp, _ recorded: RecordedScore?
    ) -> Bool {
        let watch = lane.watch
        let isTrial = !lane.isTrial
        let other = isTrial ? watch.trial : watch.reference
        var pair = PairQueue.Pair(
            event: event, other: other, score: answer.score,
            nanoseconds: answer.gatheringNanoseconds, record: recorded,
            isDegraded: answer.isDegraded)
        // Neither is slow for having touched a row first.
        let comparesTimes = !isTrial && watch.mode.comparesRequests
        guard !watch.sharesInputs else {
            if comparesTimes && answer.isSlow {
                pair.trialNanoseconds = answer.gatheringNanoseconds
                pair.trialStart = pairs.append(lane.scratch)
            }
            pairs.append(pair, lane.scratch)
            return true
        }
        let otherLane = lanes[other]
        let started = MonotonicTime.now()
        var summary = GatherSummary()
        do throws(EngineError) {
            try gather(otherLane, message, at: now, &summary)
            try complete(otherLane, message, at: now, &summary)
        } catch {
            guard watch.mode.comparesRequests else { return false }
            pair.event.marks.insert(.isCompared)
            noteError(error.reason, &pair.event, ofTrial: isTrial)
            loopWatch.tell(pair.event)
            if let recorded { recorder.record(recorded) }
            return true
        }
        pair.nanoseconds = MonotonicTime.now().nanoseconds(since: started)
        loopWatch.spend(nanoseconds: pair.nanoseconds)
        pair.isDegraded = summary.degradedCount > 0
        if watch.mode.comparesRequests, isDegraded(watch.ownInputs(of: other), of: otherLane) {
            noteFallback(&pair.event, of: otherLane)
        }
        if comparesTimes {
            if watch.isSlow(2 &* pair.nanoseconds) {
                pair.nanoseconds = gatherAgain(otherLane, message, at: now)
            }
            if answer.isSlow {
                pair.trialNanoseconds = gatherAgain(lane, message, at: now)
                pair.trialStart = pairs.append(lane.scratch)
            }
        }
        pairs.append(pair, otherLane.scratch)
        return true
    }

    /// What gathering a slot's vector takes once its rows were read; the reply stands whatever comes of it.
    private mutating func gatherAgain(
        _ lane: ScoreLane, _ message: Span<UInt8>, at now: Timestamp
    ) -> UInt64 {
        let started = MonotonicTime.now()
        defer { loopWatch.spend(nanoseconds: MonotonicTime.now().nanoseconds(since: started)) }
        var summary = GatherSummary()
        do throws(EngineError) {
            try gather(lane, message, at: now, &summary)
            try complete(lane, message, at: now, &summary)
        } catch {
            return 0
        }
        return MonotonicTime.now().nanoseconds(since: started)
    }

    /// Scores what waits if a vector of each model finds no room.
    ///
    /// Before a request is gathered, because scoring puts other vectors into the memory that it is
    /// gathered into.
    mutating func makeRoomForPair(_ watch: Watch) {
        if pairs.isFull(for: watch.inputCount) { scorePairs() }
    }
}
