// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Features
internal import Rollout
internal import Wire

/// What a score is answered with.
extension Worker {
    /// Counts what a slot has scored, and writes the reply; what is to be recorded, if the caller wants to report
    /// an outcome.
    ///
    /// - Parameter rollout: the number of the one that is watched; 0 if none is.
    mutating func reply(
        _ score: Double, by lane: ScoreLane, to message: Span<UInt8>, at now: Timestamp,
        _ summary: GatherSummary, of rollout: UInt64, isFallback: Bool = false,
        into writer: inout WireWriter
    ) -> RecordedScore? {
        counters.scored(scorer: lane.place, summary, lane.scratch)
        // PREVIOUS has only the requests that the model before it has failed at: no sample of anything.
        if lane.scorer.slot != .previous {
            drift.observe(
                lane.scratch, isDegraded: summary.degradedCount > 0, score: score,
                place: lane.place)
        }
        writeReply(score, lane, summary, into: &writer)
        if isFallback { writer.bool(KassaV1.ScoreResponse.Field.fallback, true) }
        guard request.isRecorded else { return nil }
        var recorded = record(score, by: lane, message, at: now, into: &writer)
        recorded?.rollout = rollout
        return recorded
    }

    private func writeReply(
        _ score: Double, _ lane: ScoreLane, _ summary: GatherSummary,
        into writer: inout WireWriter
    ) {
        typealias Field = KassaV1.ScoreResponse.Field
        let scorer = lane.scorer
        let scratch = lane.scratch
        writer.double(Field.score, score)
        writer.double(Field.margin, scratch.margin(lane.output.marginIndex))
        let constantReply = lane.constantReply
        writer.buffer.append(constantReply.span)
        writer.uint64(Field.epoch, lane.epoch)
        if summary.degradedCount > 0 {
            writeNotes(scorer, scratch, into: &writer)
        }
        let age = summary.oldestAgeMilliseconds
        if age > 0 { writer.uint32(Field.oldestFeatureAgeMs, age) }
        if scratch.predictionCount > 1 {
            // Packed doubles: eight bytes each.
            writer.tag(Field.classScores, .lengthDelimited)
            writer.varint(UInt64(scratch.predictionCount * 8))
            for index in 0..<scratch.predictionCount {
                writer.littleEndian(scratch.prediction(index).bitPattern)
            }
        }
        if request.includesFeatures { writeFeatures(scorer, scratch, into: &writer) }
        if request.includesContributions { writeContributions(scorer, scratch, into: &writer) }
    }

    private func writeNotes(
        _ scorer: Scorer, _ scratch: ScoreScratch, into writer: inout WireWriter
    ) {
        typealias Note = KassaV1.FeatureNote.Field
        for input in 0..<scratch.inputCount
        where scratch.status(input) != ValueStatus.present.rawValue {
            let note = writer.begin(KassaV1.ScoreResponse.Field.degraded)
            writer.bytes(Note.name, scorer.inputNames[input])
            writer.uint32(Note.status, UInt32(scratch.status(input)))
            writer.end(note)
        }
    }

    private func writeFeatures(
        _ scorer: Scorer, _ scratch: ScoreScratch, into writer: inout WireWriter
    ) {
        typealias Feature = KassaV1.FeatureValue.Field
        for input in 0..<scratch.inputCount {
            let feature = writer.begin(KassaV1.ScoreResponse.Field.features)
            writer.bytes(Feature.name, scorer.inputNames[input])
            writer.message(
                Feature.value, scorer.plan.describe(scratch.value(input), ofInput: input))
            writer.uint32(Feature.status, UInt32(scratch.status(input)))
            let age = scratch.age(input)
            writer.sint64(Feature.ageMs, age < 0 ? -1 : age / 1_000)
            writer.end(feature)
        }
    }
}
