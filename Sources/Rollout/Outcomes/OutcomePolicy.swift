// SPDX-License-Identifier: Apache-2.0

/// When the outcomes of a scorer's recorded scores count.
///
/// A score matures at one fixed age, in the order of prediction. Before that a label waits: what is known
/// early is mostly what has happened, and counting it first would make every model look too low. A label
/// that comes after maturity still counts for calibration, as it comes; from the horizon on none does.
package struct OutcomePolicy: Hashable, Sendable {
    /// What a score without an outcome comes to at its maturity.
    package enum Absent: UInt8, Sendable {
        /// It goes on waiting for an outcome, until the horizon.
        case ignore = 0
        /// It did not happen: the label is 0.
        case negative = 1
    }

    /// 30 minutes, the usual end of a shop's session.
    package static let maturityMillisecondsDefault: UInt64 = 30 * 60_000
    /// A day: yesterday's orders come in with a nightly job.
    package static let horizonMillisecondsDefault: UInt64 = 24 * 3_600_000
    /// One second: far more than it takes to store a score.
    package static let millisecondsMin: UInt64 = 1_000
    /// Thirty days.
    package static let millisecondsMax: UInt64 = 30 * 86_400_000

    /// The age at which the outcome of a score is as good as known.
    package let maturityMicroseconds: Int64
    /// The age up to which outcomes are taken and scores are kept.
    package let horizonMicroseconds: Int64
    /// What a score without an outcome comes to.
    package let absent: Absent

    /// A policy; 0 means the default, and a horizon is by default never before the maturity.
    ///
    /// - Returns: nil unless both are from ``millisecondsMin`` to ``millisecondsMax`` and the maturity
    ///   does not come after the horizon.
    package init?(
        maturityMilliseconds: UInt64 = 0, horizonMilliseconds: UInt64 = 0, absent: Absent = .ignore
    ) {
        let maturity =
            maturityMilliseconds == 0 ? Self.maturityMillisecondsDefault : maturityMilliseconds
        let horizon =
            horizonMilliseconds == 0
            ? max(Self.horizonMillisecondsDefault, maturity) : horizonMilliseconds
        let range = Self.millisecondsMin...Self.millisecondsMax
        guard range.contains(maturity), range.contains(horizon), maturity <= horizon else {
            return nil
        }
        maturityMicroseconds = Int64(maturity) * 1_000
        horizonMicroseconds = Int64(horizon) * 1_000
        self.absent = absent
    }

    private init(defaultsWith absent: Absent) {
        maturityMicroseconds = Int64(Self.maturityMillisecondsDefault) * 1_000
        horizonMicroseconds = Int64(Self.horizonMillisecondsDefault) * 1_000
        self.absent = absent
    }

    /// The policy of a scorer that declares none.
    package static let standard = OutcomePolicy(defaultsWith: .ignore)

    /// The greatest id of `lane` that is mature at `now`.
    package func lastMature(lane: UInt32, now: Int64) -> ScoreID {
        .last(lane: lane, microseconds: now - maturityMicroseconds)
    }

    /// Whether the score is so old that nothing more is taken for it.
    package func isPastHorizon(_ id: ScoreID, now: Int64) -> Bool {
        now - id.microseconds > horizonMicroseconds
    }
}
