// SPDX-License-Identifier: Apache-2.0

/// Scores against what became of the sessions: is the model that is being served any good?
struct LiveEvaluation: Hashable {
    /// A tenth of the scores, in order of their height.
    struct Decile: Hashable {
        var scores: Int
        /// The mean score.
        var said: Double
        /// The share of those scores whose session was abandoned.
        var left: Double
    }

    private struct Judged: Hashable {
        var score: Double
        var isAbandoned: Bool
    }

    /// All sessions that ended.
    private(set) var sessions = 0
    /// Sessions that ended and had something in the cart at some time.
    private(set) var carts = 0
    private(set) var abandonedCarts = 0
    /// Scores that are no number in 0...1; there should be none.
    private(set) var strangeScores = 0
    private var open: [Int: [Double]] = [:]
    private var judged: [Judged] = []

    /// Notes a score of a session that goes on.
    mutating func record(score: Double, session: Int) {
        guard score >= 0, score <= 1 else {
            strangeScores += 1
            return
        }
        open[session, default: []].append(score)
    }

    /// Notes a session's end. One that never filled a cart counts as a session and no more.
    mutating func close(session: Int, hadCart: Bool, isAbandoned: Bool) {
        let scores = open.removeValue(forKey: session) ?? []
        sessions += 1
        guard hadCart else { return }
        carts += 1
        abandonedCarts += isAbandoned ? 1 : 0
        judged += scores.map { Judged(score: $0, isAbandoned: isAbandoned) }
    }

    /// Scores whose session has ended.
    var scores: Int { judged.count }

    /// The share of the filled carts that were abandoned; `nil` if there were none.
    var abandonment: Double? {
        carts == 0 ? nil : Double(abandonedCarts) / Double(carts)
    }

    /// The probability that a score of an abandoned session is above one of a bought cart, ties
    /// counting half; `nil` if either is lacking.
    var areaUnderCurve: Double? {
        let sorted = judged.sorted { $0.score < $1.score }
        let ones = sorted.count { $0.isAbandoned }
        guard ones > 0, ones < sorted.count else { return nil }
        var rankSum = 0.0
        var first = 0
        while first < sorted.count {
            var end = first
            while end < sorted.count, sorted[end].score == sorted[first].score { end += 1 }
            let tied = sorted[first..<end].count { $0.isAbandoned }
            rankSum += Double(tied) * Double(first + 1 + end) / 2
            first = end
        }
        let pairs = Double(ones) * Double(sorted.count - ones)
        return (rankSum - Double(ones) * Double(ones + 1) / 2) / pairs
    }

    /// The mean squared error of the scores; `nil` without any.
    var brierScore: Double? {
        if judged.isEmpty { return nil }
        let sum = judged.reduce(0.0) { sum, one in
            let error = one.score - (one.isAbandoned ? 1 : 0)
            return sum + error * error
        }
        return sum / Double(judged.count)
    }

    /// The scores by height in ten equal parts; fewer parts if there are fewer than ten scores.
    var deciles: [Decile] {
        let sorted = judged.sorted { $0.score < $1.score }
        let parts = min(10, sorted.count)
        return (0..<parts).map { part in
            let slice = sorted[sorted.count * part / parts..<sorted.count * (part + 1) / parts]
            return Decile(
                scores: slice.count,
                said: slice.reduce(0) { $0 + $1.score } / Double(slice.count),
                left: Double(slice.count { $0.isAbandoned }) / Double(slice.count))
        }
    }
}
