// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Simulator
import Testing

@testable import Demo

private func latencies(_ microseconds: [UInt64]) -> Latencies {
    var latencies = Latencies()
    for value in microseconds {
        latencies.record(
            from: MonotonicTime(nanoseconds: 5), to: MonotonicTime(nanoseconds: 5 + value * 1_000))
    }
    return latencies
}

@Test func `a percentile is one of the latencies`() {
    let hundred = latencies(Array((1...100).reversed()))
    #expect(hundred.percentile(0.5) == 50)
    #expect(hundred.percentile(0.99) == 99)
    #expect(hundred.percentile(0) == 1)
    #expect(hundred.percentile(1) == 100)
    #expect(latencies([7]).percentile(0.5) == 7)
    #expect(latencies([]).percentile(0.5) == 0)
}

@Test(arguments: [1, 59, 60, 61, 120, 5_000, 100_000])
func `no more sessions are followed than a person can read`(sessions: Int) {
    let followed = FollowedSessions(of: sessions)
    let count = (1...sessions).count { followed.contains($0) }
    #expect(count <= FollowedSessions.countMax)
    #expect(count >= min(sessions, FollowedSessions.countMax) / 2)
}

@Test func `progress is told at every tenth, and not at the end`() {
    var progress = Progress(sessions: 20)
    let told = (1...20).filter { progress.line(ended: $0, scores: 3, writes: 4) != nil }
    #expect(told == [2, 4, 6, 8, 10, 12, 14, 16, 18])
    var short = Progress(sessions: 3)
    #expect(
        short.line(ended: 1, scores: 1_200, writes: 4)
            == "── 1 of 3 sessions over, 4 writes, 1 200 scores")
}

@Test func `a bad model, strange scores and a slow server are complained of`() {
    func summary(_ pairs: [(Double, Bool)], median: Double = 100) -> Summary {
        var evaluation = LiveEvaluation()
        for (session, pair) in pairs.enumerated() {
            evaluation.record(score: pair.0, session: session)
            evaluation.close(session: session, hadCart: true, isAbandoned: pair.1)
        }
        return Summary(
            evaluation: evaluation,
            speed: Speed(
                scoreMedianMicroseconds: median, scorePercentile99Microseconds: 0,
                writeMedianMicroseconds: 0, writePercentile99Microseconds: 0,
                scoresPerSecond: 0, writesPerSecond: 0))
    }
    let good = [(0.2, false), (0.9, true)]
    #expect(Verdict.complaints(about: summary(good)) == [])
    #expect(Verdict.complaints(about: summary(good, median: 20_000)) == [])
    #expect(
        Verdict.complaints(about: summary(good, median: 20_001))
            == ["half of the scores took longer than 20 ms"])
    #expect(
        Verdict.complaints(about: summary([(0.5, false), (0.5, true)]))
            == ["the AUC is 0.500, below 0.75"])
    #expect(
        Verdict.complaints(about: summary(good + [(2, true)]))
            == ["1 scores were outside 0...1"])
    #expect(
        Verdict.complaints(about: summary([]))
            == ["too few sessions ended to judge the scores"])
}

@Test func `a session is written with every feature, what is missing as a null`() throws {
    var shop = Shop(seed: 3, opening: Timestamp(microseconds: 0), sessions: 1)
    let next = shop.next()
    let moment = try #require(next)
    var features = SessionFeatures(moment)
    features.record(moment.event)
    let request = ShopRequests.write(moment.sessionID, features)
    #expect(request.featureSet == "session_behaviour@1")
    #expect(request.keys == [KassaV1.KeyColumn(kind: "session", ids: ["s-1"])])
    #expect(request.eventTimeUs == [])
    #expect(request.columns.map(\.name) == SessionFeatures.columns.map(\.name))
    for (column, value) in zip(request.columns, features.values) {
        #expect((column.nulls == [1]) == (value == .missing))
        #expect((column.values == nil) == (value == .missing))
    }
}

@Test func `a guest is scored as the customer with the empty id`() {
    let shop = Shop(seed: 3, opening: Timestamp(microseconds: 0), sessions: 40)
    var customers: Set<String> = []
    for moment in shop {
        let request = ShopRequests.score(moment)
        #expect(request.scorer == "cart_abandonment")
        #expect(request.entities.map(\.kind) == ["session", "customer"])
        #expect(request.entities[0].id == moment.sessionID)
        #expect(request.entities[1].id == moment.shopper.customer?.id ?? "")
        customers.insert(request.entities[1].id)
    }
    #expect(customers.contains(""))
    #expect(customers.count > 3)
}
