// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Features
internal import Rollout
internal import Wire

/// The request path of a scorer with an open rollout: the same answer, timed and judged, with STABLE in
/// the place of a canary that fails.
extension Worker {
    /// Answers under the watch of a guard; false as in the path without one.
    mutating func attemptWatched(
        _ message: Span<UInt8>, _ place: Int, _ assignment: Assignment, at now: Timestamp,
        into writer: inout WireWriter, mayMove: Bool
    ) throws(EngineError) -> Bool {
        let watch = configuration.value.splits[place].watch
        let slot = assignment.slot
        let isCanary = slot == watch.candidate
        var event = GuardEvent(
            rollout: watch.rollout, entity: assignment.entity, atNanoseconds: 0,
            weight: watch.weight,
            marks: isCanary ? .isCanary : watch.isShadow ? .isShadow : [])
        var summary = GatherSummary()
        var score = Double.nan
        var failure: EngineError?
        makeRoomForPair(place, watch.candidate)
        let started = MonotonicTime.now()
        var gathered = started
        do throws(EngineError) {
            try gather(slot, message, at: now, &summary)
            if summary.unknownLayoutRowCount > 0 && mayMove { return false }
            gathered = .now()
            score = try evaluate(slot, message, at: now, &summary)
        } catch {
            failure = error
        }
        let ended = MonotonicTime.now()
        event.atNanoseconds = ended.nanoseconds
        let violation = failure == nil ? contractViolation(score, of: slot) : nil
        if failure == nil && (violation == nil || !isCanary) {
            let elapsed = ended.nanoseconds(since: started)
            guardCounters.timed(slot, nanoseconds: elapsed)
            if elapsed > watch.sloNanoseconds { event.outcome.insert(.sloMiss) }
            let own = isCanary ? watch.ownInputsOfCandidate : watch.ownInputsOfStable
            if isDegraded(own, of: slot) { event.outcome.insert(.fallback) }
        }
        var answering = slot
        if isCanary, failure != nil || violation != nil {
            answering = place
            try fallBack(
                from: failure, violation, to: place, message, at: now, &event, &summary, &score)
        } else if let failure {
            if failure.kind == .internal || failure.kind == .failedPrecondition {
                event.outcome.insert(.error)
                guardRing.push(event)
            }
            throw failure
        } else if !score.isFinite {
            event.outcome.insert(.error)
            guardRing.push(event)
            throw noNumber(slot)
        }
        reply(score, by: answering, summary, into: &writer)
        if answering != slot { writer.bool(KassaV1.ScoreResponse.Field.fallback, true) }
        var recorded: RecordedScore?
        if request.isRecorded {
            recorded = record(score, by: answering, message, at: now, into: &writer)
            recorded?.rollout = watch.rollout
        }
        if isCanary && answering == slot { guardCounters.answered(watch.rollout, at: ended) }
        let own = gathered.nanoseconds(since: started)
        guard answering == slot, watch.samples(assignment.entity),
            try enqueue(
                event, place, isCanary ? place : watch.candidate, score, message, at: now,
                shares: watch.sharesInputs ? (slot, own, summary.degradedCount > 0) : nil, recorded)
        else {
            if answering != slot { guardCounters.fellBack(place) }
            guardRing.push(event)
            if let recorded { recorder.record(recorded) }
            return true
        }
        return true
    }

    /// Has STABLE answer in the canary's place; if that is refused too, it is the caller's fault or both
    /// models', and no evidence.
    private mutating func fallBack(
        from failure: EngineError?, _ violation: ContractViolation?, to place: Int,
        _ message: Span<UInt8>, at now: Timestamp, _ event: inout GuardEvent,
        _ summary: inout GatherSummary, _ score: inout Double
    ) throws(EngineError) {
        if let violation { brake(place, for: violation, &event) }
        event.outcome.insert(.error)
        event.outcome.insert(.fallback)
        summary = GatherSummary()
        do throws(EngineError) {
            try gather(place, message, at: now, &summary)
            score = try evaluate(place, message, at: now, &summary)
            guard score.isFinite else { throw noNumber(place) }
        } catch {
            if violation != nil { guardRing.push(event) }
            throw error
        }
    }

    /// Takes the candidate's traffic away at once, on this loop.
    private func brake(
        _ place: Int, for violation: ContractViolation, _ event: inout GuardEvent
    ) {
        event.violation = violation.rawValue
        event.atNanoseconds = MonotonicTime.now().nanoseconds
        configuration.value.splits[place].brake.rollBack(
            for: violation, at: event.atNanoseconds)
    }

    /// What a score breaks of what every model promises.
    private func contractViolation(_ score: Double, of slot: Int) -> ContractViolation? {
        guard score.isFinite else { return .nonFiniteScore }
        let isProbability = configuration.value.scorers[slot].model.output.isProbability
        return isProbability && (score < 0 || score > 1) ? .scoreOutOfRange : nil
    }

    private func isDegraded(_ inputs: [Int], of slot: Int) -> Bool {
        for input in inputs
        where scratches[slot].status(input) != ValueStatus.present.rawValue {
            return true
        }
        return false
    }

    /// Puts a request in the queue of those that the other model is to score; false if it cannot.
    ///
    /// - Parameter shared: the slot whose vector serves, and what gathering it took; nil to gather anew,
    ///   from the same snapshot.
    private mutating func enqueue(
        _ event: GuardEvent, _ place: Int, _ other: Int, _ score: Double, _ message: Span<UInt8>,
        at now: Timestamp, shares shared: (slot: Int, nanoseconds: UInt64, isDegraded: Bool)?,
        _ recorded: RecordedScore?
    ) throws(EngineError) -> Bool {
        var event = event
        var nanoseconds: UInt64 = 0
        var isDegraded = false
        var source = other
        if let shared {
            source = shared.slot
            nanoseconds = shared.nanoseconds
            isDegraded = shared.isDegraded
        } else {
            let started = MonotonicTime.now()
            var summary = GatherSummary()
            do throws(EngineError) {
                try gather(other, message, at: now, &summary)
                try complete(other, message, at: now, &summary)
            } catch {
                guard event.marks.contains(.isShadow) else { return false }
                event.marks.insert(.isShadowed)
                event.shadowOutcome.insert(.error)
                guardRing.push(event)
                if let recorded { recorder.record(recorded) }
                return true
            }
            nanoseconds = MonotonicTime.now().nanoseconds(since: started)
            isDegraded = summary.degradedCount > 0
            if event.marks.contains(.isShadow),
                self.isDegraded(
                    configuration.value.splits[place].watch.ownInputsOfCandidate, of: other)
            {
                event.shadowOutcome.insert(.fallback)
            }
        }
        pairs.append(
            PairQueue.Pair(
                event: event, place: place, other: other, score: score, nanoseconds: nanoseconds,
                record: recorded, isDegraded: isDegraded, start: 0), scratches[source])
        return true
    }

    /// Scores what waits if one more vector of either model finds no room.
    ///
    /// Before a request is gathered, because scoring puts other vectors into the memory that it is
    /// gathered into.
    private mutating func makeRoomForPair(_ place: Int, _ candidate: Int) {
        let count = max(scratches[place].inputCount, scratches[candidate].inputCount)
        if pairs.isFull(for: count) { scorePairs() }
    }

    /// What is learnt from requests that were answered.
    mutating func afterReply() {
        scorePairs()
    }

    /// Has the other model score what waits for it.
    mutating func scorePairs() {
        guard !pairs.pairs.isEmpty else { return }
        for index in pairs.pairs.indices { score(pairs.pairs[index]) }
        pairs.removeAll()
    }

    private mutating func score(_ pair: PairQueue.Pair) {
        let scorer = configuration.value.scorers[pair.other]
        let watch = configuration.value.splits[pair.place].watch
        let scratch = scratches[pair.other]
        var event = pair.event
        let started = MonotonicTime.now()
        scratch.setVector(pairs.values.span, at: pair.start)
        if pair.isDegraded { scratch.setStatuses(pairs.statuses.span, at: pair.start) }
        let isNumber = scratch.evaluate(by: scorer.model.compiled)
        let score = isNumber ? scorer.model.output.score(scratch) : .nan
        let elapsed = MonotonicTime.now().nanoseconds(since: started) &+ pair.nanoseconds
        let isCandidate = pair.other == watch.candidate
        let violation = contractViolation(score, of: pair.other)
        if isCandidate, let violation { brake(pair.place, for: violation, &event) }
        if event.marks.contains(.isShadow) {
            event.marks.insert(.isShadowed)
            if violation != nil { event.shadowOutcome.insert(.error) }
            if elapsed > watch.sloNanoseconds { event.shadowOutcome.insert(.sloMiss) }
        }
        if score.isFinite {
            if scorer.slot != .previous {
                drift.observe(
                    scratch, isDegraded: pair.isDegraded, score: score, place: pair.other)
            }
            guardCounters.timed(pair.other, nanoseconds: elapsed)
            guardCounters.differ(pair.place, by: score - pair.score)
            event.marks.insert(.isPair)
            let threshold = watch.decisionThreshold
            if (score >= threshold) != (pair.score >= threshold) {
                event.marks.insert(.decisionsDiffer)
            }
        }
        if event.violation == 0 { event.atNanoseconds = MonotonicTime.now().nanoseconds }
        guardRing.push(event)
        guard var record = pair.record else { return }
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
