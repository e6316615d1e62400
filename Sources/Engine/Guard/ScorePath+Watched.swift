// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Features
internal import Rollout
internal import Wire

/// The request path of a watched scorer: the same answer, timed and judged, with the model that the one on
/// trial is compared with in its place when it fails: STABLE for a canary, PREVIOUS for a promoted one.
extension Worker {
    /// Answers under the watch of a guard; false as in the path without one.
    mutating func attemptWatched(
        _ message: Span<UInt8>, _ place: Int, _ assignment: Assignment, at now: Timestamp,
        into writer: inout WireWriter, mayMove: Bool
    ) throws(EngineError) -> Bool {
        let watch = configuration.value.splits[place].watch
        let draw = EntityDraw.of(assignment.entity)
        guard loopWatch.watches(draw, in: watch.mode) else {
            return try attemptUnwatched(
                message, place, assignment, at: now, into: &writer, mayMove: mayMove)
        }
        let slot = assignment.slot
        let isTrial = slot == watch.trial
        var event = GuardEvent(
            rollout: watch.rollout, entity: assignment.entity, weight: watch.weight,
            mode: watch.mode)
        if isTrial { event.marks.insert(.isTrial) }
        var summary = GatherSummary()
        var score = Double.nan
        var failure: EngineError?
        makeRoomForPair(watch)
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
        if failure == nil && (violation == nil || !isTrial) {
            let elapsed = ended.nanoseconds(since: started)
            guardCounters.timed(slot, nanoseconds: elapsed)
            if elapsed > watch.sloNanoseconds {
                event.missed(nanoseconds: elapsed, ofTrial: isTrial)
            }
            if isDegraded(watch.ownInputs(of: slot), of: slot) {
                noteFallback(&event, of: slot, watch)
            }
        }
        var answering = slot
        if isTrial, failure != nil || violation != nil {
            answering = watch.reference
            try fallBack(
                from: failure, violation, place, message, at: now, isWatched: true,
                &event, &summary, &score)
        } else if failure != nil || !score.isFinite {
            let failure = failure ?? noNumber(slot)
            if failure.isOfModel {
                noteError(failure.reason, &event, ofTrial: false)
                if watch.mode == .shadow { tryShadow(watch, message, at: now, &event) }
                loopWatch.tell(event)
            }
            throw failure
        }
        reply(score, by: answering, summary, into: &writer)
        if answering != slot { writer.bool(KassaV1.ScoreResponse.Field.fallback, true) }
        var recorded: RecordedScore?
        if request.isRecorded {
            recorded = record(score, by: answering, message, at: now, into: &writer)
            recorded?.rollout = watch.rollout
        }
        if isTrial && answering == slot { guardCounters.answered(watch.rollout, at: ended) }
        let own = gathered.nanoseconds(since: started)
        guard answering == slot, watch.samples(assignment.entity), loopWatch.scoresTwice(draw),
            try enqueue(
                event, place, isTrial ? watch.reference : watch.trial, score, message, at: now,
                shares: watch.sharesInputs ? (slot, own, summary.degradedCount > 0) : nil,
                isSlow: watch.isSlow(ended.nanoseconds(since: started)), recorded)
        else {
            if answering != slot { guardCounters.fellBack(place) }
            loopWatch.tell(event)
            if let recorded { recorder.record(recorded) }
            return true
        }
        return true
    }

    /// Has the other model answer in the place of the one on trial.
    ///
    /// That is an error of the one on trial and nothing else: what a model fails at is weighed once,
    /// whichever of the two it is, or equal models would differ. A request that both refuse is an
    /// error of its arm, as it is on the other one, so that each arm has the entities that the weight says.
    mutating func fallBack(
        from failure: EngineError?, _ violation: ContractViolation?, _ place: Int,
        _ message: Span<UInt8>, at now: Timestamp, isWatched: Bool, _ event: inout GuardEvent,
        _ summary: inout GatherSummary, _ score: inout Double
    ) throws(EngineError) {
        if let violation { brake(place, for: violation, &event) }
        noteError(failure?.reason ?? violation?.words ?? "", &event, ofTrial: true)
        let watch = configuration.value.splits[place].watch
        // Of entities that are not scored by both, an error of the other would not be known.
        if watch.samples(event.entity) { event.marks.insert(.isCompared) }
        summary = GatherSummary()
        do throws(EngineError) {
            try gather(watch.reference, message, at: now, &summary)
            score = try evaluate(watch.reference, message, at: now, &summary)
            guard score.isFinite else { throw noNumber(watch.reference) }
        } catch {
            if watch.mode.comparesRequests {
                noteError(error.reason, &event, ofTrial: false)
            }
            if violation != nil || isWatched && error.isOfModel { loopWatch.tell(event) }
            throw error
        }
    }

    /// Asks whether the candidate of a shadow refuses a request that STABLE has refused: those are compared too.
    private mutating func tryShadow(
        _ watch: Watch, _ message: Span<UInt8>, at now: Timestamp,
        _ event: inout GuardEvent
    ) {
        guard watch.samples(event.entity) else { return }
        let started = MonotonicTime.now()
        event.marks.insert(.isCompared)
        var summary = GatherSummary()
        do throws(EngineError) {
            try gather(watch.trial, message, at: now, &summary)
            try complete(watch.trial, message, at: now, &summary)
        } catch {
            noteError(error.reason, &event, ofTrial: true)
        }
        loopWatch.spend(nanoseconds: MonotonicTime.now().nanoseconds(since: started))
    }

    /// Whether the slot at `slot` has the model that was promoted last, with PREVIOUS ready to answer for it.
    func isPromoted(_ slot: Int, of place: Int) -> Bool {
        let watch = configuration.value.splits[place].watch
        return watch.mode == .aftercare && slot == watch.trial
    }

    /// Takes the traffic of the model on trial away at once, on this loop.
    func brake(
        _ place: Int, for violation: ContractViolation, _ event: inout GuardEvent
    ) {
        event.violation = violation.rawValue
        event.atNanoseconds = MonotonicTime.now().nanoseconds
        configuration.value.splits[place].brake.rollBack(
            for: violation, at: event.atNanoseconds)
    }

    /// What a score breaks of what every model promises.
    func contractViolation(_ score: Double, of slot: Int) -> ContractViolation? {
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
    /// - Parameter isSlow: whether the answer took so long that the models' times may have to be compared.
    private mutating func enqueue(
        _ event: GuardEvent, _ place: Int, _ other: Int, _ score: Double, _ message: Span<UInt8>,
        at now: Timestamp, shares shared: (slot: Int, nanoseconds: UInt64, isDegraded: Bool)?,
        isSlow: Bool,
        _ recorded: RecordedScore?
    ) throws(EngineError) -> Bool {
        var event = event
        let watch = configuration.value.splits[place].watch
        let isTrial = other == watch.trial
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
                guard watch.mode.comparesRequests else { return false }
                event.marks.insert(.isCompared)
                noteError(error.reason, &event, ofTrial: isTrial)
                loopWatch.tell(event)
                if let recorded { recorder.record(recorded) }
                return true
            }
            nanoseconds = MonotonicTime.now().nanoseconds(since: started)
            loopWatch.spend(nanoseconds: nanoseconds)
            isDegraded = summary.degradedCount > 0
            if watch.mode.comparesRequests, self.isDegraded(watch.ownInputs(of: other), of: other) {
                noteFallback(&event, of: other, watch)
            }
        }
        var pair = PairQueue.Pair(
            event: event, place: place, other: other, score: score, nanoseconds: nanoseconds,
            record: recorded, isDegraded: isDegraded)
        if !isTrial && watch.mode.comparesRequests {
            // Neither is slow for having touched a row first.
            if shared == nil && watch.isSlow(2 &* nanoseconds) {
                pair.nanoseconds = gatherAgain(other, message, at: now)
            }
            if isSlow {
                pair.trialNanoseconds =
                    shared == nil ? gatherAgain(watch.trial, message, at: now) : nanoseconds
                pair.trialStart = pairs.append(scratches[watch.trial])
            }
        }
        pairs.append(pair, scratches[source])
        return true
    }

    /// What gathering the vector of `slot` takes once its rows were read; the reply stands whatever comes of it.
    private mutating func gatherAgain(
        _ slot: Int, _ message: Span<UInt8>, at now: Timestamp
    ) -> UInt64 {
        let started = MonotonicTime.now()
        defer { loopWatch.spend(nanoseconds: MonotonicTime.now().nanoseconds(since: started)) }
        var summary = GatherSummary()
        do throws(EngineError) {
            try gather(slot, message, at: now, &summary)
            try complete(slot, message, at: now, &summary)
        } catch {
            return 0
        }
        return MonotonicTime.now().nanoseconds(since: started)
    }

    /// Scores what waits if a vector of each model finds no room.
    ///
    /// Before a request is gathered, because scoring puts other vectors into the memory that it is
    /// gathered into.
    private mutating func makeRoomForPair(_ watch: Watch) {
        let count = scratches[watch.trial].inputCount + scratches[watch.reference].inputCount
        if pairs.isFull(for: count) { scorePairs() }
    }
}

extension EngineError {
    /// Whether the model or its features are to blame, and not the caller or the moment.
    fileprivate var isOfModel: Bool { kind == .internal || kind == .failedPrecondition }
}
