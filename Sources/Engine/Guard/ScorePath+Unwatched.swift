// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Features
internal import Rollout
internal import Wire

/// The request path of a scorer with an open rollout for entities that the budget leaves out: nothing is
/// timed and nothing scored twice, but whoever asks is protected as ever.
extension Worker {
    /// Answers without a word to the guard; false as in the path without one.
    ///
    /// STABLE answers for a canary that fails, and a score that breaks the contract pulls the brake: that
    /// one event is told.
    mutating func attemptUnwatched(
        _ message: Span<UInt8>, _ place: Int, _ assignment: Assignment, at now: Timestamp,
        into writer: inout WireWriter, mayMove: Bool
    ) throws(EngineError) -> Bool {
        let slot = assignment.slot
        let rollout = configuration.value.splits[place].watch.rollout
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
        if slot == place {
            if let failure { throw failure }
            guard score.isFinite else { throw noNumber(slot) }
        } else {
            let violation = failure == nil ? contractViolation(score, of: slot) : nil
            if failure != nil || violation != nil {
                answering = place
                var event = GuardEvent(
                    rollout: rollout, entity: assignment.entity, atNanoseconds: 0,
                    weight: configuration.value.splits[place].watch.weight, marks: .isCanary)
                try fallBack(
                    from: failure, violation, to: place, message, at: now, &event, &summary,
                    &score)
                if violation != nil { loopWatch.tell(event) }
                guardCounters.fellBack(place)
            }
        }
        reply(score, by: answering, summary, into: &writer)
        if answering != slot { writer.bool(KassaV1.ScoreResponse.Field.fallback, true) }
        if slot != place, answering == slot { guardCounters.answered(rollout, at: .now()) }
        if request.isRecorded,
            var recorded = record(score, by: answering, message, at: now, into: &writer)
        {
            recorded.rollout = rollout
            recorder.record(recorded)
        }
        return true
    }
}
