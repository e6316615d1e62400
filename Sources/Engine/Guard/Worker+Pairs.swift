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

    /// Has the other models score what waits for them, and tells the guard; when it was done.
    ///
    /// One model after the other scores, so that each stays in the caches. The guard hears of requests in
    /// the order in which they came: model by model, the arms would come in runs, and what is weighed after
    /// every event, the split of entities above all, would take each run for a trend.
    @discardableResult
    mutating func scorePairs() -> MonotonicTime {
        let started = MonotonicTime.now()
        var ended = started
        defer { loopWatch.ring(at: ended) }
        guard !pairs.isEmpty else { return ended }
        var other = pairs.firstModel(from: 0)
        while let model = other {
            score(by: model, &ended)
            other = pairs.firstModel(from: model + 1)
        }
        for index in 0..<pairs.count { judge(pairs.pairs[index]) }
        pairs.removeAll()
        ended = .now()
        loopWatch.spend(nanoseconds: ended.nanoseconds(since: started))
        return ended
    }

    /// Scores what waits for one model; the end of one pair is the beginning of the next.
    private mutating func score(by model: Int, _ ended: inout MonotonicTime) {
        let scorer = configuration.value.scorers[model]
        let scratch = scratches[model]
        for index in 0..<pairs.count where pairs.model(index) == model {
            let started = ended
            scratch.setVector(pairs.values.span, at: pairs.start(index))
            let isDegraded = pairs.pairs[index].isDegraded
            if isDegraded { scratch.setStatuses(pairs.statuses.span, at: pairs.start(index)) }
            let isNumber = scratch.evaluate(by: scorer.model.compiled)
            let score = isNumber ? scorer.model.output.score(scratch) : .nan
            ended = .now()
            if score.isFinite && scorer.slot != .previous {
                drift.observe(scratch, isDegraded: isDegraded, score: score, place: model)
            }
            pairs.finish(index, score, took: ended.nanoseconds(since: started), at: ended)
        }
    }

    /// Tells the guard of a pair that was scored, and records it.
    private mutating func judge(_ pair: PairQueue.Pair) {
        let scorer = configuration.value.scorers[pair.other]
        let watch = configuration.value.splits[pair.place].watch
        let (model, score, elapsed) = (pair.other, pair.otherScore, pair.nanoseconds)
        var event = pair.event
        let isCandidate = model == watch.candidate
        let violation = contractViolation(score, of: model)
        if isCandidate, let violation { brake(pair.place, for: violation, &event) }
        if event.marks.contains(.isShadow) {
            event.marks.insert(.isShadowed)
            if violation != nil { event.shadowOutcome.insert(.error) }
            if elapsed > watch.sloNanoseconds { event.shadowOutcome.insert(.sloMiss) }
        }
        if score.isFinite {
            guardCounters.timed(model, nanoseconds: elapsed)
            guardCounters.differ(pair.place, by: score - pair.score)
            event.marks.insert(.isPair)
            let threshold = watch.decisionThreshold
            if (score >= threshold) != (pair.score >= threshold) {
                event.marks.insert(.decisionsDiffer)
            }
        }
        loopWatch.tell(event)
        guard pair.record >= 0 else { return }
        var record = pairs.records[pair.record]
        if score.isFinite {
            if isCandidate {
                record.candidate = score
                record.candidateBundle = scorer.model.bundlePrefix
                record.candidateSlot = UInt8(truncatingIfNeeded: scorer.slot.rawValue)
            } else {
                record.stable = score
                record.stableBundle = scorer.model.bundlePrefix
            }
        }
        recorder.record(record)
    }
}
