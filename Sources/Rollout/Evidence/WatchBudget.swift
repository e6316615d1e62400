// SPDX-License-Identifier: Apache-2.0

/// How much of its time a loop may spend on watching candidates, and which entities that leaves to watch.
///
/// At saturation every score by the other model takes time from answers. So what watching costs is
/// counted, and every ``periodNanoseconds`` the share of entities that are watched follows from what the
/// period before has cost: all of them while there is time, fewer beyond ``timeShareMax``.
///
/// The guarantee stays, because which entities are watched depends on nothing that they do:
/// - whether an entity is in a share is its ``EntityDraw``, which is independent of its arm and, like
///   every hash, of its outcome. So among those watched the arms stand as the weight says, whatever the share
///   is, and the tests of the split, of bad events, of pairs and of labels bet at the same odds as before;
/// - the share in force at a request was fixed by what happened before it (it is *predictable*). A bet
///   that is placed or left out by the past alone leaves the mean of an e-process at most 1 at every
///   step, so Ville's inequality holds though the share moves, even if it moves because a candidate is slow;
/// - it is one share for both arms.
///
/// What a smaller share does cost is time: floors of entities and of pairs count those that were watched.
/// Never fewer than ``ratioMin`` are, so that a candidate that is very slow is still found out.
///
/// A value without a clock; it belongs to one loop.
///
/// ```swift
/// if budget.watches(draw) { ...; budget.spend(nanoseconds: cost) }
/// budget.settle(at: nanoseconds)          // at the end of the loop's turn
/// ```
@usableFromInline package struct WatchBudget: Equatable, Sendable {
    /// The share of a loop's time that watching may take.
    package static let timeShareMax = 0.05
    /// How often the share of entities is drawn anew.
    package static let periodNanoseconds: UInt64 = 20_000_000
    /// The smallest share of entities.
    package static let ratioMin = 1.0 / 64
    /// The least that a share becomes of the one before: a loop that was interrupted looks busy too.
    static let leastFactor = 0.5
    /// The most that it grows by in a period, as a part of itself.
    static let growthPerPeriod = 0.25

    /// The share of entities that are watched, ``ratioMin`` to 1.
    package private(set) var ratio = 1.0
    /// The share of its time that the last whole period has spent.
    package private(set) var timeShare = 0.0
    @usableFromInline package private(set) var drawMax = UInt64.max
    private let timeShareMax: Double
    private var spentNanoseconds: UInt64 = 0
    private var periodStart: UInt64?

    /// Everything is watched, and nothing spent; 1 of the time watches everything for ever.
    package init(timeShareMax: Double = Self.timeShareMax) {
        self.timeShareMax = timeShareMax
    }

    /// Whether the entity with this ``EntityDraw`` is watched.
    @inlinable @inline(__always)
    package func watches(_ draw: UInt64) -> Bool { draw <= drawMax }

    /// Counts time that went into watching.
    package mutating func spend(nanoseconds: UInt64) {
        spentNanoseconds &+= nanoseconds
    }

    /// Draws the conclusion of a period that is over; whether there was one.
    ///
    /// - Parameter now: by the monotonic clock, in nanoseconds.
    /// - Complexity: O(1), without allocation.
    @discardableResult
    package mutating func settle(at now: UInt64) -> Bool {
        guard let start = periodStart else {
            periodStart = now
            return false
        }
        let elapsed = now > start ? now - start : 0
        guard elapsed >= Self.periodNanoseconds else { return false }
        timeShare = min(Double(spentNanoseconds) / Double(elapsed), 1)
        let periods = Double(elapsed) / Double(Self.periodNanoseconds)
        // What a share costs is in proportion to it. Idle time counts as the periods that it was.
        let fitting = timeShare > 0 ? timeShareMax / timeShare : .infinity
        let change = min(max(fitting, Self.leastFactor), 1 + Self.growthPerPeriod * periods)
        ratio = min(max(ratio * change, Self.ratioMin), 1)
        drawMax = EntityDraw.largest(ofShare: ratio)
        spentNanoseconds = 0
        periodStart = now
        return true
    }
}
