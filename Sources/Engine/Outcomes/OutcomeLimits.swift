// SPDX-License-Identifier: Apache-2.0

/// The bounds of recorded scores and their outcomes.
package enum OutcomeLimits {
    /// Scores that are kept for one scorer; beyond it the oldest go, whether their outcome came or not.
    /// With key and page about 120 bytes each.
    package static let scoresPerScorerMax: UInt64 = 4_000_000
    /// Scores that wait on one loop to be stored; what comes when it is full gets no id.
    package static let waitingScoresMax = 16_384
    /// Scores in one command for the writer.
    static let storedScoresMax = 4_096
    /// Scores whose maturity is seen to in one commit, and that are deleted in one.
    package static let maturedScoresMax = 2_000
    /// Outcomes in one request.
    package static let outcomesMax = 10_000
    /// Requests with outcomes that wait for the guard thread.
    package static let waitingRequestsMax = 1_024
    /// How often the guard thread looks at the loops' rings when nothing wakes it.
    static let turnNanoseconds: UInt64 = 20_000_000
    /// How often it looks for scores that have matured.
    static let matureNanoseconds: UInt64 = 200_000_000
}
