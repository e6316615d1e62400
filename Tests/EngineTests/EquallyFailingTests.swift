// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Crypto
import Rollout
import Testing

@testable import Engine

/// Two models with the same answers that refuse as many requests, of the same entities or of others.
struct `A candidate that fails as often as STABLE` {
    private static let sessions = 3_000

    @Test(arguments: [WatchMode.split, .shadow, .whole, .aftercare])
    func `stays if it fails for others, however both are compared`(_ mode: WatchMode) throws {
        try withRefusers { engine, worker in
            // Of twenty sessions, one is unknown to the features of each model, and one to both.
            try worker.write("left", Self.sessions) { $0 % 20 != 3 && $0 % 20 != 7 }
            try worker.write("right", Self.sessions) { $0 % 20 != 3 && $0 % 20 != 11 }
            try engine.watch(in: mode)
            let answers = worker.answerAll(Self.sessions, engine)
            let status = try #require(try engine.status.guard)
            #expect(status.mode == mode.name && status.verdict == "WITHIN")
            // On a busy machine times differ a little.
            #expect(status.logEvidence < 1)
            let counts = status.numbers
            // What failed is an error, of either model, and only that.
            #expect(counts["fallbacks"] == nil || counts["fallbacks"]! == [0, 0])
            #expect(!status.samples.contains { $0.event == "fallbacks" })
            let errors = try #require(counts["errors"])
            if mode == .split {
                #expect((200...400).contains(errors[0] + errors[1]) && errors.min()! > 80)
                // Whom STABLE alone refuses is answered by the canary, not the other way round.
                #expect((2_740...2_810).contains(answers))
            } else {
                // Each fails at two of twenty sessions, at one of them together.
                #expect(errors == [300, 300])
                #expect(answers == Self.sessions - (mode == .shadow ? 300 : 150))
            }
        }
    }

    @Test func `counts as having had the requests that both refuse, in a split`() throws {
        try withRefusers { engine, worker in
            try worker.write("left", Self.sessions) { $0 % 2 == 0 }
            try worker.write("right", Self.sessions) { $0 % 2 == 0 }
            try engine.watch(in: .split)
            #expect(worker.answerAll(Self.sessions, engine) == Self.sessions / 2)
            let status = try #require(try engine.status.guard)
            // With refusals on one arm only, the split would be off by a third.
            #expect(status.verdict == "WITHIN")
            let counts = status.numbers
            #expect(counts["entities"]!.reduce(0, +) == Self.sessions)
            #expect(counts["errors"]!.reduce(0, +) == Self.sessions / 2)
            #expect(counts["errors"]!.min()! > 650)
        }
    }

    @Test func `has PREVIOUS answer without a part in its drift`() throws {
        try withRefusers { engine, worker in
            try worker.write("left", 400) { _ in true }
            try worker.write("right", 400) { $0 < 380 }
            try engine.watch(in: .aftercare)
            #expect(worker.answerAll(400, engine) == 400)
            worker.settle()
            let scorers = worker.configuration.value.scorers
            let counts = scorers.map { scorer in
                engine.driftBook.counters(of: scorer)?.counts.reduce(0, +)
            }
            #expect(scorers.map(\.slot) == [.stable, .previous])
            // What only the model before could answer are no sample of its traffic.
            #expect(counts[0]! >= 380 && counts[1] == 0)
        }
    }

    @Test func `is told of on neither arm where the budget leaves the entities out`() throws {
        try withRefusers { engine, worker in
            try engine.watch(in: .split)
            worker.loopWatch.timeShareMax = 1e-9
            let end = MonotonicTime.now().advanced(byNanoseconds: 400_000_000)
            repeat { _ = worker.answerAll(200, engine) } while MonotonicTime.now() < end
            let before = try #require(try engine.status.guard).numbers["entities"]!
            #expect(worker.answerAll(Self.sessions, engine) == 0)
            let counts = try #require(try engine.status.guard).numbers["entities"]!
            // A 64th of them, of both arms.
            #expect(counts.reduce(0, +) - before.reduce(0, +) < Self.sessions / 20)
        }
    }
}

/// An engine with stump@1 over `left@1.items` and stump@2 over `right@1.items`, which refuse whom their
/// feature set does not know.
private func withRefusers(_ body: (Engine, inout Worker) throws -> Void) throws {
    try TemporaryFolder().withEngine { engine, worker in
        worker.loopWatch.timeShareMax = 1
        for set in ["left", "right"] {
            try engine.apply([
                .featureSet(
                    KassaV1.FeatureSetSpec(
                        name: set, version: 1, entity: ["session"],
                        features: [
                            KassaV1.FeatureSpec(
                                name: "items", type: .int64, onMissing: .fail)
                        ]))
            ])
            try engine.uploadStump {
                $0.inputs = [KassaV1.ModelInput(featureSet: "\(set)@1", feature: "items")]
                $0.histograms = [itemsHistogram]
                $0.scoreHistogram = scoreHistogram(high: 3)
            }
        }
        try engine.apply([scorer("stump@1")])
        try body(engine, &worker)
    }
}

extension Engine {
    /// Begins to watch stump@2.
    fileprivate func watch(in mode: WatchMode) throws {
        if mode == .shadow {
            _ = try shadow(
                KassaV1.ShadowRequest(scorer: "abandonment", model: "stump@2"), at: .now())
            return
        }
        _ = try canary(
            KassaV1.CanaryRequest(
                scorer: "abandonment", model: "stump@2", weightPercent: mode == .split ? 50 : 100,
                guard: KassaV1.GuardPolicy(sloMicroseconds: 1_000_000, watchSharePercent: 100)),
            at: .now())
        if mode == .aftercare { _ = try promote(full: true) }
    }
}

extension KassaV1.GuardStatus {
    /// STABLE's and the candidate's counts by name.
    fileprivate var numbers: [String: [Int]] {
        Dictionary(
            uniqueKeysWithValues: counts.map { ($0.name, [Int($0.stable), Int($0.candidate)]) })
    }
}

extension Worker {
    /// Writes the row of each session that `isKnown` says.
    fileprivate mutating func write(
        _ set: String, _ count: Int, _ isKnown: (Int) -> Bool
    ) throws {
        let sessions = (0..<count).filter(isKnown)
        let request = KassaV1.WriteRequest(
            featureSet: "\(set)@1",
            keys: [KassaV1.KeyColumn(kind: "session", ids: sessions.map { "s-\($0)" })],
            columns: [
                KassaV1.Column(
                    name: "items",
                    values: .integers(KassaV1.IntegerValues(values: sessions.map { _ in 2 })))
            ])
        #expect(try submit(request).get().applied == UInt32(sessions.count))
    }

    /// Scores every session, in turns of a hundred; how many were answered.
    fileprivate mutating func answerAll(_ count: Int, _ engine: Engine) -> Int {
        var answered = 0
        for session in 0..<count {
            if (try? score("s-\(session)")) != nil { answered += 1 }
            if session % 100 == 99 {
                settle()
                engine.guards.turn(at: .now())
            }
        }
        return answered
    }
}
