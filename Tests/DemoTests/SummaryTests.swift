// SPDX-License-Identifier: Apache-2.0

import Base
import Testing

@testable import Demo

private func evaluation(_ pairs: [(Double, Bool)]) -> LiveEvaluation {
    var evaluation = LiveEvaluation()
    for (session, pair) in pairs.enumerated() {
        evaluation.record(score: pair.0, session: session)
        evaluation.close(session: session, hadCart: true, isAbandoned: pair.1)
    }
    return evaluation
}

@Test func `the area under the curve is the share of pairs in the right order`() {
    #expect(evaluation([(0.1, false), (0.2, false), (0.8, true)]).areaUnderCurve == 1)
    #expect(evaluation([(0.9, false), (0.2, true)]).areaUnderCurve == 0)
    #expect(evaluation([(0.5, false), (0.5, true)]).areaUnderCurve == 0.5)
    #expect(evaluation([(0.5, true)]).areaUnderCurve == nil)
    #expect(evaluation([]).areaUnderCurve == nil)
    var generator = SeededGenerator(seed: 8)
    let pairs = (0..<300).map { _ in
        (Double(Int.random(in: 0..<20, using: &generator)) / 20, Bool.random(using: &generator))
    }
    var wins = 0.0
    var comparisons = 0.0
    for (high, isAbandoned) in pairs where isAbandoned {
        for (low, other) in pairs where !other {
            wins += high > low ? 1 : high == low ? 0.5 : 0
            comparisons += 1
        }
    }
    let area = evaluation(pairs).areaUnderCurve ?? 0
    #expect(abs(area - wins / comparisons) < 1e-12)
}

@Test func `deciles hold every score once and in order`() {
    let deciles = evaluation((0..<103).map { (Double($0) / 103, $0 % 2 == 0) }).deciles
    #expect(deciles.count == 10)
    #expect(deciles.reduce(0) { $0 + $1.scores } == 103)
    #expect(deciles.allSatisfy { (10...11).contains($0.scores) })
    for (lower, upper) in zip(deciles, deciles.dropFirst()) { #expect(lower.said < upper.said) }
    #expect(evaluation([(0.25, true), (0.5, false)]).deciles.map(\.left) == [1, 0])
}

@Test func `only sessions that ended are judged, and strange scores are counted, not judged`() {
    var live = LiveEvaluation()
    live.record(score: 0.5, session: 1)
    live.record(score: 0.7, session: 1)
    live.record(score: 0.9, session: 2)
    live.record(score: .nan, session: 1)
    live.record(score: 1.01, session: 1)
    live.record(score: -0.01, session: 1)
    #expect(live.scores == 0)
    live.close(session: 1, hadCart: true, isAbandoned: true)
    live.close(session: 3, hadCart: false, isAbandoned: true)
    #expect(live.scores == 2)
    #expect(live.sessions == 2)
    #expect(live.carts == 1)
    #expect(live.abandonment == 1)
    #expect(live.strangeScores == 3)
    #expect(abs((live.brierScore ?? 0) - 0.17) < 1e-12)
}

@Test func `the summary is the table that a person reads at the end`() {
    var live = evaluation([(0.9, true), (0.7, true), (0.2, false), (0.4, true)])
    live.close(session: 9, hadCart: false, isAbandoned: true)
    let speed = Speed(
        scoreMedianMicroseconds: 87.4, scorePercentile99Microseconds: 1_240,
        writeMedianMicroseconds: 120, writePercentile99Microseconds: 2_500,
        scoresPerSecond: 12_345, writesPerSecond: 23_456)
    let lines = Summary(evaluation: live, speed: speed).rendered()
    let rule = String(repeating: "─", count: 100)
    let expected = [
        rule,
        "  the shop",
        "  sessions                       5",
        "  filled a cart                  4   80 % of the sessions",
        "  abandoned it                   3   75 % of the carts",
        "",
        "  the model, against what came of it",
        "  scores                         4   of sessions that have ended",
        "  AUC                        1.000   0.5 is a coin, 1 an oracle",
        "  Brier score                0.125",
        "",
        "  calibration",
        "  decile    said    left      scores   share that left, ┃ where the scores said",
        "       1    20 %     0 %           1   "
            + String(repeating: "▯", count: 10) + "┃" + String(repeating: "▯", count: 39),
        "       2    40 %   100 %           1   "
            + String(repeating: "▮", count: 20) + "┃" + String(repeating: "▮", count: 29),
        "       3    70 %   100 %           1   "
            + String(repeating: "▮", count: 35) + "┃" + String(repeating: "▮", count: 14),
        "       4    90 %   100 %           1   "
            + String(repeating: "▮", count: 45) + "┃" + String(repeating: "▮", count: 4),
        "",
        "  the server, seen from here",
        "  scores per second          12345   p50 87 µs   p99 1.24 ms",
        "  writes per second          23456   p50 120 µs   p99 2.50 ms",
        rule,
    ]
    #expect(lines == expected)
    #expect(lines.allSatisfy { $0.count <= Text.columns })
    let coloured = Summary(evaluation: live, speed: speed).rendered(.colours)
    #expect(coloured != lines)
    #expect(coloured.map { $0.replacing(/\u{1B}\[\d+m/, with: "") } == lines)
}

@Test func `a summary of nothing has dashes and no bars`() {
    let lines = Summary(evaluation: LiveEvaluation(), speed: nil).rendered()
    #expect(lines.contains("  AUC                            –   0.5 is a coin, 1 an oracle"))
    #expect(!lines.contains { $0.contains("▮") })
}
