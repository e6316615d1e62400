// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Features
internal import Rollout
internal import Wire

/// The request path of a model on trial for entities that the budget leaves out: nothing is timed and
/// nothing scored twice, but whoever asks is protected as ever. Who is answered by the other model takes the
/// path of requests that nobody watches.
extension Worker {
    /// Answers without a word to the guard; false as in the path without one.
    ///
    /// The other model answers for one on trial that fails, and a score that breaks the contract pulls the
    /// brake: that one event is told.
    mutating func attemptUnwatched(
        _ message: Span<UInt8>, _ lane: ScoreLane, _ entity: UInt64, at now: Timestamp,
        into writer: inout WireWriter, mayMove: Bool
    ) throws(EngineError) -> Bool {
        let watch = lane.watch
        var summary = GatherSummary()
        var score = Double.nan
        var failure: EngineError?
        do throws(EngineError) {
            try gather(lane, message, at: now, &summary)
            if summary.unknownLayoutRowCount > 0 && mayMove { return false }
            score = try evaluate(lane, message, at: now, &summary)
        } catch {
            failure = error
        }
        let violation = failure == nil ? lane.contractViolation(score) : nil
        var recorded: RecordedScore?
        if failure == nil && violation == nil {
            recorded = reply(
                score, by: lane, to: message, at: now, summary, of: watch.rollout, into: &writer)
            guardCounters.answered(watch.rollout)
        } else {
            var event = GuardEvent(
                rollout: watch.rollout, entity: entity, weight: watch.weight, mode: watch.mode,
                marks: .isTrial)
            let reference = lanes[watch.reference]
            try fallBack(
                from: failure, violation, lane, to: reference, message, at: now,
                isWatched: false, &event, &summary, &score)
            if violation != nil { loopWatch.tell(event) }
            guardCounters.fellBack(lane.stablePlace)
            recorded = reply(
                score, by: reference, to: message, at: now, summary, of: watch.rollout,
                isFallback: true, into: &writer)
        }
        if let recorded { recorder.record(recorded) }
        return true
    }
}
