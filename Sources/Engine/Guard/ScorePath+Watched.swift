// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Features
internal import Rollout
internal import Wire

/// The request path of a watched scorer: the same answer, timed and judged, with the model that the one on
/// trial is compared with in its place when it fails: STABLE for a canary, PREVIOUS for a promoted one.
extension Worker {
    /// Answers under the watch of a guard; false as in the path without one.
    mutating func attemptWatched(
        _ message: Span<UInt8>, _ lane: ScoreLane, _ entity: UInt64, _ draw: UInt64,
        at now: Timestamp, into writer: inout WireWriter, mayMove: Bool
    ) throws(EngineError) -> Bool {
        let watch = lane.watch
        let isTrial = lane.isTrial
        var event = GuardEvent(
            rollout: watch.rollout, entity: entity, weight: watch.weight, mode: watch.mode)
        if isTrial { event.marks.insert(.isTrial) }
        var summary = GatherSummary()
        var score = Double.nan
        var failure: EngineError?
        makeRoomForPair(watch)
        let started = MonotonicTime.now()
        var gathered = started
        do throws(EngineError) {
            try gather(lane, message, at: now, &summary)
            if summary.unknownLayoutRowCount > 0 && mayMove { return false }
            gathered = .now()
            score = try evaluate(lane, message, at: now, &summary)
        } catch {
            failure = error
        }
        let ended = MonotonicTime.now()
        event.atNanoseconds = ended.nanoseconds
        let violation = failure == nil ? lane.contractViolation(score) : nil
        let elapsed = ended.nanoseconds(since: started)
        if failure == nil && (violation == nil || !isTrial) {
            guardCounters.timed(lane.place, nanoseconds: elapsed)
            if elapsed > watch.sloNanoseconds {
                event.missed(nanoseconds: elapsed, ofTrial: isTrial)
            }
            if isDegraded(watch.ownInputs(of: lane.place), of: lane) {
                noteFallback(&event, of: lane)
            }
        }
        if isTrial, failure != nil || violation != nil {
            let reference = lanes[watch.reference]
            try fallBack(
                from: failure, violation, lane, to: reference, message, at: now, isWatched: true,
                &event, &summary, &score)
            let recorded = reply(
                score, by: reference, to: message, at: now, summary, of: watch.rollout,
                isFallback: true, into: &writer)
            guardCounters.fellBack(lane.stablePlace)
            loopWatch.tell(event)
            if let recorded { recorder.record(recorded) }
            return true
        }
        if failure != nil || !score.isFinite {
            let failure = failure ?? noNumber(lane)
            if failure.isOfModel {
                noteError(failure.reason, &event, ofTrial: false)
                if watch.mode == .shadow { tryShadow(watch, message, at: now, &event) }
                loopWatch.tell(event)
            }
            throw failure
        }
        let recorded = reply(
            score, by: lane, to: message, at: now, summary, of: watch.rollout, into: &writer)
        if isTrial { guardCounters.answered(watch.rollout) }
        if watch.samples(entity) && loopWatch.scoresTwice(draw) {
            let answer = PairQueue.Answer(
                score: score, gatheringNanoseconds: gathered.nanoseconds(since: started),
                isDegraded: summary.degradedCount > 0, isSlow: watch.isSlow(elapsed))
            if enqueue(event, lane, answer, message, at: now, recorded) { return true }
        }
        loopWatch.tell(event)
        if let recorded { recorder.record(recorded) }
        return true
    }

    /// Has the other model answer in the place of the one on trial.
    ///
    /// That is an error of the one on trial and nothing else: what a model fails at is weighed once,
    /// whichever of the two it is, or equal models would differ. A request that both refuse is an
    /// error of its arm, as it is on the other one, so that each arm has the entities that the weight says.
    mutating func fallBack(
        from failure: EngineError?, _ violation: ContractViolation?, _ lane: ScoreLane,
        to reference: ScoreLane, _ message: Span<UInt8>, at now: Timestamp, isWatched: Bool,
        _ event: inout GuardEvent, _ summary: inout GatherSummary, _ score: inout Double
    ) throws(EngineError) {
        if let violation { brake(lane.split, for: violation, &event) }
        noteError(failure?.reason ?? violation?.words ?? "", &event, ofTrial: true)
        let watch = lane.watch
        // Of entities that are not scored by both, an error of the other would not be known.
        if watch.samples(event.entity) { event.marks.insert(.isCompared) }
        summary = GatherSummary()
        do throws(EngineError) {
            try gather(reference, message, at: now, &summary)
            score = try evaluate(reference, message, at: now, &summary)
            guard score.isFinite else { throw noNumber(reference) }
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
        let trial = lanes[watch.trial]
        var summary = GatherSummary()
        do throws(EngineError) {
            try gather(trial, message, at: now, &summary)
            try complete(trial, message, at: now, &summary)
        } catch {
            noteError(error.reason, &event, ofTrial: true)
        }
        loopWatch.spend(nanoseconds: MonotonicTime.now().nanoseconds(since: started))
    }

    /// Takes the traffic of the model on trial away at once, on this loop.
    mutating func brake(
        _ split: Split, for violation: ContractViolation, _ event: inout GuardEvent
    ) {
        let now = MonotonicTime.now()
        event.violation = violation.rawValue
        event.atNanoseconds = now.nanoseconds
        // What it has answered before was before the event that decides.
        guardCounters.stampAnswers(at: now)
        split.brake.rollBack(for: violation, of: event.entity, at: event.atNanoseconds)
    }

    /// Whether one of `inputs` is not PRESENT in the vector of `lane`.
    func isDegraded(_ inputs: [Int], of lane: ScoreLane) -> Bool {
        for input in inputs where lane.scratch.status(input) != ValueStatus.present.rawValue {
            return true
        }
        return false
    }
}

extension EngineError {
    /// Whether the model or its features are to blame, and not the caller or the moment.
    fileprivate var isOfModel: Bool { kind == .internal || kind == .failedPrecondition }
}
