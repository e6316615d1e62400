// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Features
internal import Rollout
internal import Wire

/// The request path of a watched scorer for entities that the budget leaves out: nothing is timed and
/// nothing scored twice, but whoever asks is protected as ever.
extension Worker {
    /// Answers without a word to the guard; false as in the path without one.
    ///
    /// The other model answers for one on trial that fails, and a score that breaks the contract pulls the
    /// brake: that one event is told.
    mutating func attemptUnwatched(
        _ message: Span<UInt8>, _ place: Int, _ assignment: Assignment, at now: Timestamp,
        into writer: inout WireWriter, mayMove: Bool
    ) throws(EngineError) -> Bool {
        let slot = assignment.slot
        let watch = configuration.value.splits[place].watch
        let isTrial = slot == watch.trial
        var summary = GatherSummary()
        var score = Double.nan
        var failure: EngineError?
        do throws(EngineError) {
            try gather(slot, message, at: now, &summary)
            if summary.unknownLayoutRowCount > 0 && mayMove { return false }
            score = try evaluate(slot, message, at: now, &summary)
        } catch {
            failure = error
        }
        var answering = slot
        if isTrial {
            let violation = failure == nil ? contractViolation(score, of: slot) : nil
            if failure != nil || violation != nil {
                answering = watch.reference
                var event = GuardEvent(
                    rollout: watch.rollout, entity: assignment.entity, weight: watch.weight,
                    mode: watch.mode, marks: .isTrial)
                try fallBack(
                    from: failure, violation, place, message, at: now, isWatched: false, &event,
                    &summary, &score)
                if violation != nil { loopWatch.tell(event) }
                guardCounters.fellBack(place)
            }
        } else {
            if let failure { throw failure }
            guard score.isFinite else { throw noNumber(slot) }
        }
        reply(score, by: answering, summary, into: &writer)
        if answering != slot { writer.bool(KassaV1.ScoreResponse.Field.fallback, true) }
        if isTrial && answering == slot { guardCounters.answered(watch.rollout, at: .now()) }
        if request.isRecorded,
            var recorded = record(score, by: answering, message, at: now, into: &writer)
        {
            recorded.rollout = watch.rollout
            recorder.record(recorded)
        }
        return true
    }
}
