// SPDX-License-Identifier: Apache-2.0

internal import API
package import Base
internal import Features
internal import Models
internal import Rollout
internal import Store
package import Wire

/// The request path of `Scoring.Score`, top to bottom.
extension Worker {
    /// Answers one `ScoreRequest`: writes a `ScoreResponse` into `writer`.
    ///
    /// One configuration and one snapshot of the store serve the whole answer.
    ///
    /// - Throws: why the request is refused; then `writer` holds nothing of use.
    /// - Complexity: O(bytes of the request + rows + model); allocates nothing after warm-up.
    package mutating func score(
        _ message: Span<UInt8>, at now: Timestamp, into writer: inout WireWriter
    ) throws(EngineError) {
        try request.read(message)
        try answer(message, at: now, into: &writer)
    }

    /// Answers the request that was read from `message`; one that is refused has written nothing.
    mutating func answer(
        _ message: Span<UInt8>, at now: Timestamp, into writer: inout WireWriter
    ) throws(EngineError) {
        if try attempt(message, at: now, into: &writer, mayMove: true) { return }
        begin()
        _ = try attempt(message, at: now, into: &writer, mayMove: false)
    }

    /// Answers under the present configuration; false, with nothing written, if a row was written under
    /// a newer one than this loop's and `mayMove` allows to move to it.
    private mutating func attempt(
        _ message: Span<UInt8>, at now: Timestamp, into writer: inout WireWriter, mayMove: Bool
    ) throws(EngineError) -> Bool {
        // The snapshot comes first: taking it may move to a newer configuration.
        try renewSnapshot()
        let place = place(ofScorer: message.extracting(request.scorer))
        guard place >= 0 else {
            throw EngineError(.notFound, "scorer: there is none of that name")
        }
        let stable = lanes[place]
        let assignment = try assign(stable, message)
        guard assignment.slot != place else {
            return try attempt(
                message, stable, assignment, at: now, into: &writer, mayMove: mayMove)
        }
        return try attempt(
            message, lanes[assignment.slot], assignment, at: now, into: &writer, mayMove: mayMove)
    }

    /// Has the slot of `lane` answer, to which the request was assigned.
    private mutating func attempt(
        _ message: Span<UInt8>, _ lane: ScoreLane, _ assignment: Assignment, at now: Timestamp,
        into writer: inout WireWriter, mayMove: Bool
    ) throws(EngineError) -> Bool {
        if assignment.isWatched {
            let draw = EntityDraw.of(assignment.entity)
            if loopWatch.watches(draw, in: lane.watch.mode) {
                return try attemptWatched(
                    message, lane, assignment.entity, draw, at: now, into: &writer,
                    mayMove: mayMove)
            }
            if lane.isTrial {
                return try attemptUnwatched(
                    message, lane, assignment.entity, at: now, into: &writer, mayMove: mayMove)
            }
        }
        var summary = GatherSummary()
        try gather(lane, message, at: now, &summary)
        if summary.unknownLayoutRowCount > 0 && mayMove { return false }
        let score = try evaluate(lane, message, at: now, &summary)
        guard score.isFinite else {
            guard lane.watch.mode == .aftercare, lane.isTrial else { throw noNumber(lane) }
            // Outside the share of an aftercare too PREVIOUS answers for a promoted model that fails.
            let watched = Assignment(
                slot: lane.place, entity: assignment.entity, isWatched: true)
            return try attempt(
                message, lane, watched, at: now, into: &writer, mayMove: mayMove)
        }
        let record = reply(
            score, by: lane, to: message, at: now, summary,
            of: assignment.isWatched ? lane.watch.rollout : 0, into: &writer)
        if let record { recorder.record(record) }
        return true
    }

    /// The place of the STABLE slot of the scorer with that name; -1 if there is none.
    private func place(ofScorer name: Span<UInt8>) -> Int {
        configuration.value.scorerIndex.index(of: name)
    }

    /// Looks the features of a slot up.
    mutating func gather(
        _ lane: ScoreLane, _ message: Span<UInt8>, at now: Timestamp,
        _ summary: inout GatherSummary
    ) throws(EngineError) {
        for group in lane.plan.groups.indices {
            try lookUp(group, lane, message, at: now, &summary)
        }
    }

    /// The vector of a slot with what the request brings along; throws if it is of no use.
    func complete(
        _ lane: ScoreLane, _ message: Span<UInt8>, at now: Timestamp,
        _ summary: inout GatherSummary
    ) throws(EngineError) {
        if !request.context.isEmpty {
            try applyContext(of: message, for: lane.scorer, to: lane.scratch, at: now, &summary)
        }
        guard summary.failedInput < 0 else {
            throw EngineError(
                .failedPrecondition, lane.scratch.failure(summary, of: lane.plan))
        }
        guard lane.scorer.model.isServed else {
            throw Self.refusal(ofUnserved: lane.scorer.model)
        }
    }

    /// The score of a slot whose features were gathered; NaN if the model gave no number.
    func evaluate(
        _ lane: ScoreLane, _ message: Span<UInt8>, at now: Timestamp,
        _ summary: inout GatherSummary
    ) throws(EngineError) -> Double {
        try complete(lane, message, at: now, &summary)
        if request.includesContributions {
            try Self.checkContributions(of: lane.scorer.model)
        }
        return lane.evaluate() ?? .nan
    }

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

    /// Why a model's answer is not passed on.
    func noNumber(_ lane: ScoreLane) -> EngineError {
        EngineError(
            .internal, "model \(lane.scorer.model.name) gave a score that is no number")
    }

    /// Gathers the inputs that come from one row.
    private mutating func lookUp(
        _ group: Int, _ lane: ScoreLane, _ message: Span<UInt8>, at now: Timestamp,
        _ summary: inout GatherSummary
    ) throws(EngineError) {
        let isKnown = try makeKey(of: group, lane.scorer, message)
        guard isKnown else {
            lane.scratch.gather(
                nil, group: group, of: lane.plan, now: now.microseconds, &summary)
            return
        }
        do throws(StoreError) {
            let row = try transaction.value(
                forKey: key.bytes, in: lane.scorer.tablesOfGroups[group])
            let oldestOfOthers = summary.oldestAge
            summary.oldestAge = -1
            lane.scratch.gather(
                row, group: group, of: lane.plan, now: now.microseconds, &summary)
            counters.gathered(scorer: lane.place, group: group, oldestAge: summary.oldestAge)
            summary.oldestAge = max(summary.oldestAge, oldestOfOthers)
        } catch {
            throw EngineError(error)
        }
    }

    /// Makes the key of a group's row; false if the request says that there is no such entity.
    private mutating func makeKey(
        of group: Int, _ scorer: Scorer, _ message: Span<UInt8>
    ) throws(EngineError) -> Bool {
        key.start(kindsID: scorer.plan.groups[group].kindsID)
        let first = scorer.firstKinds[group]
        for kind in first..<scorer.firstKinds[group + 1] {
            let entity = try entity(
                ofKind: kind, of: scorer, in: message,
                named: { scorer.plan.groups[group].entityKinds[kind - first] })
            // An empty id is the caller's word that there is none: a guest is no customer.
            if request.entities[entity].id.count == 0 { return false }
            do throws(RowKeyError) {
                try key.append(utf8: message.extracting(request.entities[entity].id))
            } catch {
                throw EngineError(.invalidArgument, "entities[\(entity)].id: \(error.reason)")
            }
        }
        do throws(RowKeyError) {
            try key.finish(setID: scorer.plan.groups[group].setID)
        } catch {
            throw EngineError(.invalidArgument, "entities: \(error.reason)")
        }
        return true
    }

    /// The place among the request's entities of the one that is of `kind`.
    private func entity(
        ofKind kind: Int, of scorer: Scorer, in message: Span<UInt8>, named name: () -> String
    ) throws(EngineError) -> Int {
        let text = scorer.kindText
        let range = scorer.kinds[kind]
        var found = -1
        for index in request.entities.indices
        where message.extracting(request.entities[index].kind)
            .hasSameBytes(as: text.span.extracting(range))
        {
            guard found < 0 else {
                throw EngineError(
                    .invalidArgument, "entities[\(index)].kind: \(name()) was given before")
            }
            found = index
        }
        guard found >= 0 else {
            throw EngineError(
                .invalidArgument,
                "entities: the scorer needs one of kind \(name()); an empty id means there is none")
        }
        return found
    }

    /// Puts the values that the request brings along over the stored ones.
    private func applyContext(
        of message: Span<UInt8>, for scorer: Scorer, to scratch: ScoreScratch, at now: Timestamp,
        _ summary: inout GatherSummary
    ) throws(EngineError) {
        for index in request.context.indices {
            let context = request.context[index]
            guard let input = scorer.plan.input(named: message.extracting(context.name)) else {
                throw EngineError(
                    .invalidArgument,
                    "context[\(index)].name: no input of the scorer has it, or several have")
            }
            if case .vector(let components) = context.kind,
                scorer.plan.takes(vector: components, atInput: input)
            {
                for (index, component) in components.enumerated() {
                    scratch.override(input + index, with: Double(component), of: scorer.plan)
                }
                continue
            }
            let isNull = if case .null = context.kind { true } else { false }
            let value: Double? =
                switch context.kind {
                case .number(let number): scorer.plan.value(ofInput: input, number: number)
                case .integer(let integer):
                    scorer.plan.value(ofInput: input, integer: integer, now: now.microseconds)
                case .flag(let flag): scorer.plan.value(ofInput: input, flag: flag)
                case .text(let range):
                    scorer.plan.value(ofInput: input, text: message.extracting(range))
                case .null, .missing, .vector: nil
                }
            guard value != nil || isNull else {
                throw EngineError(
                    .invalidArgument,
                    "context[\(index)].value: it does not fit \(scorer.plan.names[input]), "
                        + "which is a \(scorer.plan.types[input].name)")
            }
            scratch.override(input, with: value, of: scorer.plan)
        }
        scratch.recount(by: scorer.plan, &summary)
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
