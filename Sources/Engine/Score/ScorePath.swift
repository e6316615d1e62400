// SPDX-License-Identifier: Apache-2.0

internal import API
package import Base
internal import Features
internal import Models
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
        let place = configuration.value.scorerIndex.index(of: message.extracting(request.scorer))
        guard place >= 0 else {
            throw EngineError(.notFound, "scorer: there is none of that name")
        }
        let assignment = try assign(place, message)
        if assignment.isWatched {
            return try attemptWatched(
                message, place, assignment, at: now, into: &writer, mayMove: mayMove)
        }
        var summary = GatherSummary()
        try gather(assignment.slot, message, at: now, &summary)
        if summary.unknownLayoutRowCount > 0 && mayMove { return false }
        let score = try evaluate(assignment.slot, message, at: now, &summary)
        guard score.isFinite else {
            guard isPromoted(assignment.slot, of: place) else { throw noNumber(assignment.slot) }
            return try attemptWatched(
                message, place, assignment, at: now, into: &writer, mayMove: mayMove)
        }
        reply(score, by: assignment.slot, summary, into: &writer)
        if request.isRecorded,
            let record = record(score, by: assignment.slot, message, at: now, into: &writer)
        {
            recorder.record(record)
        }
        return true
    }

    /// Looks the features of the slot at `slot` up.
    mutating func gather(
        _ slot: Int, _ message: Span<UInt8>, at now: Timestamp, _ summary: inout GatherSummary
    ) throws(EngineError) {
        let scorer = configuration.value.scorers[slot]
        for group in scorer.plan.groups.indices {
            try lookUp(group, of: scorer, message, at: now, into: slot, &summary)
        }
    }

    /// The vector of the slot at `slot` with what the request brings along; throws if it is of no use.
    mutating func complete(
        _ slot: Int, _ message: Span<UInt8>, at now: Timestamp, _ summary: inout GatherSummary
    ) throws(EngineError) {
        let scorer = configuration.value.scorers[slot]
        try applyContext(of: message, for: scorer, to: slot, at: now, &summary)
        guard summary.failedInput < 0 else {
            throw EngineError(
                .failedPrecondition, scratches[slot].failure(summary, of: scorer.plan))
        }
        guard scorer.model.isServed else { throw Self.refusal(ofUnserved: scorer.model) }
    }

    /// The score of the slot at `slot`, whose features were gathered; NaN if the model gave no number.
    mutating func evaluate(
        _ slot: Int, _ message: Span<UInt8>, at now: Timestamp, _ summary: inout GatherSummary
    ) throws(EngineError) -> Double {
        try complete(slot, message, at: now, &summary)
        let model = configuration.value.scorers[slot].model
        if request.includesContributions { try Self.checkContributions(of: model) }
        guard scratches[slot].evaluate(by: model.compiled) else { return .nan }
        let score = model.output.score(scratches[slot])
        return score.isFinite ? score : .nan
    }

    /// Counts what the slot at `slot` has scored, and writes the reply.
    mutating func reply(
        _ score: Double, by slot: Int, _ summary: GatherSummary, into writer: inout WireWriter
    ) {
        counters.scored(scorer: slot, summary, scratches[slot])
        // PREVIOUS has only the requests that the model before it has failed at: no sample of anything.
        if configuration.value.scorers[slot].slot != .previous {
            drift.observe(
                scratches[slot], isDegraded: summary.degradedCount > 0, score: score, place: slot)
        }
        writeReply(
            score, configuration.value.scorers[slot], scratches[slot], summary, into: &writer)
    }

    /// Why a model's answer is not passed on.
    func noNumber(_ slot: Int) -> EngineError {
        EngineError(
            .internal,
            "model \(configuration.value.scorers[slot].model.name) gave a score that is no number")
    }

    /// Gathers the inputs that come from one row into the scratch memory `scratch`.
    private mutating func lookUp(
        _ group: Int, of scorer: Scorer, _ message: Span<UInt8>, at now: Timestamp,
        into scratch: Int, _ summary: inout GatherSummary
    ) throws(EngineError) {
        let isKnown = try makeKey(of: group, scorer, message)
        guard isKnown else {
            scratches[scratch].gather(
                nil, group: group, of: scorer.plan, now: now.microseconds, &summary)
            return
        }
        do throws(StoreError) {
            let row = try transaction.value(
                forKey: key.bytes, in: scorer.tablesOfGroups[group])
            let oldestOfOthers = summary.oldestAge
            summary.oldestAge = -1
            scratches[scratch].gather(
                row, group: group, of: scorer.plan, now: now.microseconds, &summary)
            counters.gathered(scorer: scratch, group: group, oldestAge: summary.oldestAge)
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
        for kind in scorer.kindsOfGroups[group].indices {
            let name = scorer.kindsOfGroups[group][kind]
            let entity = try entity(
                ofKind: name.span, in: message,
                named: { scorer.plan.groups[group].entityKinds[kind] })
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
        ofKind kind: Span<UInt8>, in message: Span<UInt8>, named name: () -> String
    ) throws(EngineError) -> Int {
        var found = -1
        for index in request.entities.indices
        where message.extracting(request.entities[index].kind).hasSameBytes(as: kind) {
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
    private mutating func applyContext(
        of message: Span<UInt8>, for scorer: Scorer, to scratch: Int, at now: Timestamp,
        _ summary: inout GatherSummary
    ) throws(EngineError) {
        guard !request.context.isEmpty else { return }
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
                    scratches[scratch].override(
                        input + index, with: Double(component), of: scorer.plan)
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
            scratches[scratch].override(input, with: value, of: scorer.plan)
        }
        scratches[scratch].recount(by: scorer.plan, &summary)
    }

    private func writeReply(
        _ score: Double, _ scorer: Scorer, _ scratch: ScoreScratch, _ summary: GatherSummary,
        into writer: inout WireWriter
    ) {
        typealias Field = KassaV1.ScoreResponse.Field
        writer.double(Field.score, score)
        writer.double(Field.margin, scratch.margin(scorer.model.output.marginIndex))
        let constantReply = scorer.constantReply
        writer.buffer.append(constantReply.span)
        writer.uint64(Field.epoch, configuration.value.epoch)
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
