// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import Glibc
import Rollout
import Synchronization
import Testing
import Wire

/// The join of outcomes with recorded scores, in a real store, with the clock in the test's hand.
struct OutcomeTests {
    let folder = TemporaryFolder()
    /// When the tests begin: a moment like any other.
    private let start: Int64 = 1_763_650_000_000_000

    private func time(_ seconds: Double) -> Timestamp {
        Timestamp(microseconds: start + Int64((seconds * 1e6).rounded()))
    }

    /// A scorer with a maturity of 10 s and a horizon of 60 s.
    private func recordingScorer(
        _ model: String, absent: KassaV1.AbsentOutcome = .absentIgnore, maturity: UInt64 = 10_000,
        horizon: UInt64 = 60_000
    ) -> KassaV1.Document.Resource {
        .scorer(
            KassaV1.ScorerSpec(
                name: "abandonment", model: model,
                outcomes: KassaV1.OutcomeSpec(
                    maturityMs: maturity, horizonMs: horizon, absent: absent)))
    }

    private func setUp(_ engine: Engine, absent: KassaV1.AbsentOutcome = .absentIgnore) throws {
        try engine.apply([cart])
        try engine.uploadStump()
        try engine.apply([recordingScorer("stump@1", absent: absent)])
    }

    @Test func `a score is recorded only when it is asked for, and its id is its own`() throws {
        try folder.withEngine { engine, worker in
            try setUp(engine)
            #expect(try worker.record("s-1", at: time(0), record: false).scoreId == "")
            var ids: Set<String> = []
            for _ in 0..<200 { ids.insert(try worker.record("s-1", at: time(0)).scoreId) }
            #expect(ids.count == 200)
            #expect(ids.allSatisfy { ScoreID(hexadecimal: $0) != nil })
            engine.guardTurn(at: time(0))
            let found = try engine.calibration("abandonment")
            #expect(found.recordedScores == 200)
            #expect(found.openScores == 200)
        }
    }

    @Test func `an outcome counts at its maturity and not before`() throws {
        try folder.withEngine { engine, worker in
            try setUp(engine)
            let reply = try worker.record("s-1", at: time(0))
            #expect(try engine.report([(reply.scoreId, true)], at: time(1)) == [.outcomeAccepted])
            engine.guardTurn(at: time(9.999_999))
            #expect(try engine.calibration("abandonment").slots.isEmpty)
            engine.guardTurn(at: time(10))
            let slot = try #require(try engine.calibration("abandonment").slots.first)
            #expect(slot.slot == .stable)
            #expect(slot.labels == 1)
            #expect(slot.positives == 1)
            #expect(slot.brier == (1 - reply.score) * (1 - reply.score))
            engine.guardTurn(at: time(11))
            #expect(try engine.calibration("abandonment").slots.first?.labels == 1)
        }
    }

    @Test func `an outcome that comes at once finds its score`() throws {
        try folder.withEngine { engine, worker in
            try setUp(engine)
            // No turn in between: the score is still in the loop's ring.
            let reply = try worker.record("s-1", at: time(0))
            #expect(try engine.report([(reply.scoreId, false)], at: time(0)) == [.outcomeAccepted])
        }
    }

    @Test func `duplicates, contradictions, strangers and latecomers are told apart`() throws {
        try folder.withEngine { engine, worker in
            try setUp(engine)
            let reply = try worker.record("s-1", at: time(0))
            let other = try worker.record("s-2", at: time(0))
            let id = reply.scoreId
            #expect(
                try engine.report([(id, true), (id, true), (id, false)], at: time(1))
                    == [.outcomeAccepted, .outcomeDuplicate, .outcomeConflicting])
            #expect(try engine.report([(id, false)], at: time(2)) == [.outcomeConflicting])
            let lane = try #require(ScoreID(hexadecimal: id)).lane
            let stranger = ScoreID(lane: lane, microseconds: time(0).microseconds, serial: 1)
            let foreign = ScoreID(lane: ~lane, microseconds: time(0).microseconds, serial: 1)
            #expect(
                try engine.report(
                    [(stranger.hexadecimal, true), (foreign.hexadecimal, true)], at: time(2))
                    == [.outcomeUnknown, .outcomeUnknown])
            // At the horizon it is taken, after it no more, whether the score is still there or not.
            #expect(
                try engine.report([(other.scoreId, true)], at: time(60.000_001)) == [.outcomeLate])
            #expect(try engine.report([(other.scoreId, true)], at: time(60)) == [.outcomeAccepted])
            engine.guardTurn(at: time(61))
            #expect(try engine.calibration("abandonment").recordedScores == 0)
            #expect(try engine.report([(id, true)], at: time(61)) == [.outcomeLate])
        }
    }

    @Test func `an outcome between maturity and horizon counts as it comes`() throws {
        try folder.withEngine { engine, worker in
            try setUp(engine)
            let reply = try worker.record("s-1", at: time(0))
            engine.guardTurn(at: time(20))
            #expect(try engine.calibration("abandonment").openScores == 0)
            #expect(try engine.report([(reply.scoreId, true)], at: time(30)) == [.outcomeAccepted])
            #expect(try engine.calibration("abandonment").slots.first?.labels == 1)
            #expect(try engine.report([(reply.scoreId, true)], at: time(31)) == [.outcomeDuplicate])
            engine.guardTurn(at: time(40))
            #expect(try engine.calibration("abandonment").slots.first?.labels == 1)
        }
    }

    @Test func `silence is a no, where the scorer says so`() throws {
        try folder.withEngine { engine, worker in
            try setUp(engine, absent: .absentNegative)
            let silent = try worker.record("s-1", at: time(0))
            let happened = try worker.record("s-2", at: time(0))
            _ = try engine.report([(happened.scoreId, true)], at: time(5))
            engine.guardTurn(at: time(10))
            let slot = try #require(try engine.calibration("abandonment").slots.first)
            #expect(slot.labels == 2)
            #expect(slot.positives == 1)
            #expect(
                try engine.report([(silent.scoreId, true), (silent.scoreId, false)], at: time(11))
                    == [.outcomeConflicting, .outcomeDuplicate])
        }
    }

    @Test func `the oldest scores go when there are too many`() throws {
        let engine = try Engine(
            folder: folder.path, loopCount: 1, mapBytes: 1 << 30, scoresPerScorerMax: 100)
        defer { engine.stop() }
        var worker = try Worker(engine: engine, loop: 0)
        try setUp(engine)
        var ids: [String] = []
        for index in 0..<100 {
            ids.append(try worker.record("s-1", at: time(Double(index) / 100)).scoreId)
        }
        engine.guardTurn(at: time(1))
        #expect(try engine.calibration("abandonment").recordedScores == 100)
        ids.append(try worker.record("s-1", at: time(1)).scoreId)
        engine.guardTurn(at: time(1))
        let found = try engine.calibration("abandonment")
        #expect(found.recordedScores == 100)
        #expect(found.openScores == 100)
        #expect(
            try engine.report([(ids[0], true), (ids[1], true), (ids[100], true)], at: time(1))
                == [.outcomeUnknown, .outcomeAccepted, .outcomeAccepted])
    }

    @Test func `a full ring gives no id, and the scores before it are all kept`() throws {
        try folder.withEngine { engine, worker in
            try setUp(engine)
            var given = 0
            for index in 0...OutcomeLimits.waitingScoresMax {
                let reply = try worker.record("s-1", at: time(0))
                #expect(reply.scoreId.isEmpty == (index == OutcomeLimits.waitingScoresMax))
                if !reply.scoreId.isEmpty { given += 1 }
            }
            engine.guardTurn(at: time(0))
            #expect(try engine.calibration("abandonment").recordedScores == UInt64(given))
            #expect(!(try worker.record("s-1", at: time(1)).scoreId.isEmpty))
        }
    }

    @Test func `more than one commit's worth matures in one go, in the order of predictions`()
        throws
    {
        try folder.withEngine { engine, worker in
            try setUp(engine)
            let count = OutcomeLimits.maturedScoresMax + 1
            var ids: [String] = []
            for index in 0..<count {
                ids.append(try worker.record("s-1", at: time(Double(index) / 1e6)).scoreId)
            }
            for part in [ids[..<1_000], ids[1_000...]] {
                _ = try engine.report(part.map { ($0, true) }, at: time(1))
            }
            engine.guardTurn(at: time(20))
            let found = try engine.calibration("abandonment")
            #expect(found.slots.first?.labels == UInt64(count))
            #expect(found.openScores == 0)
            // And as many expire.
            engine.guardTurn(at: time(120))
            #expect(try engine.calibration("abandonment").recordedScores == 0)
        }
    }

    @Test func `any order, repetition and split of outcomes gives the same calibration`() throws {
        for seed in 1...6 as ClosedRange<UInt64> {
            var encoded: Set<String> = []
            for run in 0..<3 {
                let folder = TemporaryFolder()
                try folder.withEngine { engine, worker in
                    try setUp(engine)
                    var random = SeededGenerator(seed: seed)
                    var reports: [(String, Bool)] = []
                    for index in 0..<120 {
                        let items = Double.random(in: 0...6, using: &random)
                        let reply = try worker.record(
                            "s-\(index)", items: items, at: time(Double(index) / 1_000))
                        let label = Double.random(in: 0...1, using: &random) < reply.score
                        if index % 5 != 0 { reports.append((reply.scoreId, label)) }
                    }
                    var order = SeededGenerator(seed: seed &* 1_000 &+ UInt64(run))
                    var shuffled = reports.shuffled(using: &order)
                    shuffled += shuffled.prefix(20)
                    while !shuffled.isEmpty {
                        let size = min(
                            shuffled.count, Int.random(in: 1...40, using: &order))
                        _ = try engine.report(Array(shuffled.prefix(size)), at: time(2))
                        shuffled.removeFirst(size)
                        if Bool.random(using: &order) { engine.guardTurn(at: time(3)) }
                    }
                    engine.guardTurn(at: time(30))
                    let found = try engine.calibration("abandonment")
                    #expect(found.slots.first?.labels == UInt64(reports.count), "seed \(seed)")
                    encoded.insert("\(found)")
                }
            }
            #expect(encoded.count == 1, "seed \(seed)")
        }
    }

    @Test func `what has been counted is not counted again by the next process`() throws {
        var ids: [String] = []
        try folder.withEngine { engine, worker in
            try setUp(engine)
            for index in 0..<10 {
                ids.append(try worker.record("s-1", at: time(Double(index))).scoreId)
            }
            _ = try engine.report(ids.map { ($0, true) }, at: time(10))
            engine.guardTurn(at: time(14.5))
            #expect(try engine.calibration("abandonment").slots.first?.labels == 5)
        }
        try folder.withEngine { engine, _ in
            let before = try engine.calibration("abandonment")
            #expect(before.slots.first?.labels == 5)
            engine.guardTurn(at: time(30))
            #expect(try engine.calibration("abandonment").slots.first?.labels == 10)
            #expect(try engine.report([(ids[0], false)], at: time(30)) == [.outcomeConflicting])
        }
    }

    @Test func `scores in the rings are stored when the engine stops`() throws {
        try folder.withEngine { engine, worker in
            try setUp(engine)
            for _ in 0..<7 { _ = try worker.record("s-1", at: time(0)) }
        }
        try folder.withEngine { engine, _ in
            let found = try engine.calibration("abandonment")
            #expect(found.recordedScores == 7)
        }
    }

    @Test func `a malformed outcome refuses the request and stores nothing of it`() throws {
        try folder.withEngine { engine, worker in
            try setUp(engine)
            let reply = try worker.record("s-1", at: time(0))
            let good = KassaV1.Outcome(scoreId: reply.scoreId, label: true)
            func refusal(_ bad: KassaV1.Outcome) -> String? {
                do {
                    _ = try engine.report(
                        KassaV1.RecordOutcomeRequest(outcomes: [good, bad]), at: time(1))
                    return nil
                } catch { return (error as? EngineError)?.reason }
            }
            #expect(
                refusal(KassaV1.Outcome(scoreId: "canary7", label: true))
                    == "outcomes[1].score_id: must be the 32 hexadecimal digits of a reply")
            #expect(
                refusal(KassaV1.Outcome(scoreId: reply.scoreId))
                    == "outcomes[1].label: must be given")
            #expect(try engine.report([(reply.scoreId, false)], at: time(1)) == [.outcomeAccepted])
        }
    }

    @Test func `a request holds 10,000 outcomes and no more`() throws {
        try folder.withEngine { engine, worker in
            try setUp(engine)
            let id = try worker.record("s-1", at: time(0)).scoreId
            let most = (0..<OutcomeLimits.outcomesMax).map { _ in (id, true) }
            let statuses = try engine.report(most, at: time(1))
            #expect(statuses.count == OutcomeLimits.outcomesMax)
            #expect(statuses.first == .outcomeAccepted)
            #expect(statuses.dropFirst().allSatisfy { $0 == .outcomeDuplicate })
            #expect(throws: EngineError.self) {
                _ = try engine.report(most + [(id, true)], at: time(1))
            }
            #expect(try engine.report([], at: time(1)) == [])
        }
    }

    @Test func `durations that make no policy are refused with the document`() throws {
        try folder.withEngine { engine, _ in
            try engine.apply([cart])
            try engine.uploadStump()
            for (maturity, horizon) in [(999, 0), (20_000, 10_000), (2_592_000_001, 0)] {
                #expect(throws: EngineError.self) {
                    try engine.apply([
                        recordingScorer(
                            "stump@1", maturity: UInt64(maturity), horizon: UInt64(horizon))
                    ])
                }
            }
            #expect(throws: EngineError.self) {
                try engine.apply([
                    recordingScorer("stump@1", absent: KassaV1.AbsentOutcome(rawValue: 2))
                ])
            }
            try engine.apply([recordingScorer("stump@1")])
            let changed = try engine.apply([recordingScorer("stump@1", maturity: 11_000)])
            #expect(changed.plan.first?.details == ["when outcomes count changes"])
        }
    }

    @Test func `labels mature while scores go on being recorded, on the guard thread`() throws {
        try folder.withEngine { engine, worker in
            try engine.apply([cart])
            try engine.uploadStump()
            try engine.apply([recordingScorer("stump@1", absent: .absentNegative, maturity: 1_000)])
            engine.startGuard()
            // Never a turn without scores to store.
            let end = MonotonicTime.now().advanced(byNanoseconds: 20_000_000_000)
            var count = 0
            while MonotonicTime.now() < end {
                _ = try worker.record("s-1", at: .now())
                count += 1
                if count.isMultiple(of: 20) {
                    usleep(1_000)
                    if try engine.calibration("abandonment").slots.first?.labels ?? 0 > 0 { break }
                }
            }
            let found = try engine.calibration("abandonment")
            #expect(found.slots.first?.labels ?? 0 > 0)
            #expect(found.openScores > 0)
        }
    }

    @Test func `requests that wait for the guard thread are bounded`() throws {
        try folder.withEngine { engine, worker in
            try setUp(engine)
            let id = try worker.record("s-1", at: time(0)).scoreId
            let bytes = KassaV1.RecordOutcomeRequest(
                outcomes: [KassaV1.Outcome(scoreId: id, label: true)]
            ).encodedBytes()
            let answers = Atomic(0)
            func submit() throws(EngineError) {
                try engine.recordOutcomes(bytes.span, at: time(1)) { _ in
                    answers.add(1, ordering: .relaxed)
                }
            }
            for _ in 0..<OutcomeLimits.waitingRequestsMax { try submit() }
            do throws(EngineError) {
                try submit()
                Issue.record("one too many was taken")
            } catch {
                #expect(error.kind == .resourceExhausted)
            }
            engine.guardTurn(at: time(1))
            #expect(answers.load(ordering: .relaxed) == OutcomeLimits.waitingRequestsMax)
            try submit()
            engine.guardTurn(at: time(1))
            #expect(answers.load(ordering: .relaxed) == OutcomeLimits.waitingRequestsMax + 1)
        }
    }

    @Test func `rows of a batch are recorded one by one`() throws {
        try folder.withEngine { engine, worker in
            try setUp(engine)
            let request = KassaV1.ScoreBatchRequest(
                scorer: "abandonment",
                rows: ["s-1", "s-2", "s-3"].map {
                    KassaV1.ScoreRow(entities: [KassaV1.EntityKey(kind: "session", id: $0)])
                }, record: true)
            let bytes = request.encodedBytes()
            var writer = WireWriter()
            worker.begin()
            try worker.scoreBatch(bytes.span, at: time(0), into: &writer) { error in
                KassaV1.Refusal(message: error.reason)
            }
            worker.end()
            let response = try KassaV1.ScoreBatchResponse(decoding: writer.bytes)
            #expect(Set(response.results.map(\.scoreId)).count == 3)
            engine.guardTurn(at: time(0))
            #expect(try engine.calibration("abandonment").recordedScores == 3)
        }
    }
}

extension Worker {
    /// Scores a session at a time and asks for an id.
    fileprivate mutating func record(
        _ session: String, items: Double = 1, at now: Timestamp, record: Bool = true
    ) throws -> KassaV1.ScoreResponse {
        let request = KassaV1.ScoreRequest(
            scorer: "abandonment", entities: [KassaV1.EntityKey(kind: "session", id: session)],
            context: [
                KassaV1.NamedValue(
                    name: "items", value: KassaV1.Value(kind: .integer(Int64(items))))
            ], record: record)
        let bytes = request.encodedBytes()
        begin()
        defer { end() }
        var writer = WireWriter()
        try score(bytes.span, at: now, into: &writer)
        return try KassaV1.ScoreResponse(decoding: writer.bytes)
    }
}

extension Engine {
    fileprivate func calibration(_ scorer: String) throws -> KassaV1.GetCalibrationResponse {
        try calibration(KassaV1.GetCalibrationRequest(scorer: scorer))
    }

    /// Reports outcomes and waits for what becomes of them.
    fileprivate func report(
        _ outcomes: [(String, Bool)], at now: Timestamp
    ) throws -> [KassaV1.OutcomeStatus] {
        try report(
            KassaV1.RecordOutcomeRequest(
                outcomes: outcomes.map { KassaV1.Outcome(scoreId: $0.0, label: $0.1) }),
            at: now)
    }

    fileprivate func report(
        _ request: KassaV1.RecordOutcomeRequest, at now: Timestamp
    ) throws -> [KassaV1.OutcomeStatus] {
        let holder = Holder()
        let bytes = request.encodedBytes()
        try recordOutcomes(bytes.span, at: now) { result in holder.set(result) }
        // The clock of maturity stays behind: only what was asked for happens.
        guardTurn(at: Timestamp(microseconds: 0))
        return try holder.wait().get().statuses
    }
}

/// A result that another thread sets once.
private final class Holder: Sendable {
    private let result = Mutex<OutcomeResult?>(nil)

    func set(_ value: OutcomeResult) { result.withLock { $0 = value } }

    func wait() -> OutcomeResult {
        while true {
            if let value = result.withLock({ $0 }) { return value }
            usleep(100)
        }
    }
}
