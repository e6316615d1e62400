// SPDX-License-Identifier: Apache-2.0

/// The bets against one kind of bad event: those that began with the rollout, and those that began later.
///
/// To the first an entity speaks once, ever. The later ones begin when all products have fallen to a new
/// low (``OnsetMixture``), and from then on everybody may speak anew. Else they would bet at the wrong odds:
/// after an hour in which the stable model alone failed, most of its entities have spoken and few of the
/// canary's, so that the next to speak for the first time is likely to be the canary's, however good it is.
/// A product at a new low says that the stable model has had more than its part, so speaking anew is no
/// luck of the canary's multiplied, either.
struct RiskTest: Equatable, Sendable {
    /// What began with the rollout.
    var first: OnsetMixture
    /// What began later; worth nothing before.
    var later: OnsetMixture

    /// Nothing observed.
    init() {
        self.init(first: OnsetMixture(onsets: .first), later: OnsetMixture(onsets: .later))
    }

    init(first: OnsetMixture, later: OnsetMixture) {
        self.first = first
        self.later = later
    }

    /// Takes what the first event of an entity since the last start adds; whether another start follows.
    @inline(__always)
    mutating func addLater(_ step: LogValues.Lanes) -> Bool {
        later.add(step, beginningTogether: RelativeRisk.worseLanes)
    }

    /// What ``log`` does not exceed, in fixed point: a lane's sum is at most twice the larger of its two.
    @inline(__always)
    var bound: Int64 {
        max(first.largest(RelativeRisk.worseLanes), later.largest(RelativeRisk.worseLanes))
            &+ Self.two
    }

    /// ln 2, rounded up.
    private static let two: Int64 = 2_977_044_472

    /// The logarithm of the mean over the lanes of what both are worth.
    var log: Double {
        first.values.logMean(RelativeRisk.worseLanes, with: later.values)
    }
}

/// Events that the later bets of each ``RiskTest`` were on: by share and kind, of entities that spoke for the
/// first time since the last start. What counts anew depends on the order of events, so these are no part of
/// ``EvidenceCounts``.
struct LaterCounts: Equatable, Sendable {
    private(set) var shares: [[3 of EventCounts]] = []

    init() {
        shares.reserveCapacity(EvidenceLimits.sharesMax)
    }

    mutating func addShare(_ counts: [3 of EventCounts] = .init(repeating: EventCounts())) {
        shares.append(counts)
    }

    @inline(__always)
    mutating func add(_ event: BadEvent, _ side: EventSide, share: Int) {
        shares[share][event.rawValue].add(side)
    }

    /// The product of all later bets on one kind of event.
    func product(_ event: BadEvent, _ bets: Bets) -> LogValues {
        var values = LogValues()
        for (index, share) in shares.enumerated() {
            values.add(bets.risk[index], times: share[event.rawValue])
        }
        return values
    }

    static func == (left: LaterCounts, right: LaterCounts) -> Bool {
        left.shares.count == right.shares.count
            && zip(left.shares, right.shares).allSatisfy { left, right in
                left.indices.allSatisfy { left[$0] == right[$0] }
            }
    }
}
