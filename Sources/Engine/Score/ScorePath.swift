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
}
