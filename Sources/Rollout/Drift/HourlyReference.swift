// SPDX-License-Identifier: Apache-2.0

/// How one feature was distributed at each hour of the day, over the last days, in the bins of its model.
///
/// The reference of a model mixes all hours, so the night may exceed it every night. What the same hour usually
/// brings is no news. Rules, so that nothing that is broken becomes usual by itself:
///
/// - An hour learns the windows that training tolerates. Others are withheld, and learnt if a person accepts them on
///   that day or the next (``accept(at:isAlarm:)``).
/// - For 24 hours after that each hour learns what comes; from then on such an hour goes on learning what it explains.
/// - With each new day an hour forgets a seventh of what it has learnt.
package struct HourlyReference: Equatable, Sendable {
    /// Days after which what an hour has learnt has about lost its weight.
    package static let days: UInt64 = 7
    /// Values that an hour must have learnt to explain anything.
    package static let valuesMin: UInt64 = PSI.windowValuesMin
    /// Windows in a row within training's tolerance that end what a person has accepted.
    package static let windowsWithinMax = 3
    /// Hours of a day.
    package static let hourCount = 24
    /// A stored hour has fewer values than this.
    static let valuesMax: UInt64 = 1 << 56

    /// One hour of the day.
    struct Hour: Equatable, Sendable {
        /// By bin; empty before the first window.
        var counts: [UInt64] = []
        var stale: UInt64 = 0
        /// The last day that it learnt from.
        var day: Int64 = 0
        /// A person has said that what it brings is normal.
        var isAccepted = false

        var total: UInt64 { counts.reduce(0, &+) }

        /// Adds a window of `day`; on a new day it first loses a seventh of what it has.
        mutating func learn(_ window: [UInt64], stale others: UInt64, on day: Int64) {
            if counts.isEmpty { counts = [UInt64](repeating: 0, count: window.count) }
            if day != self.day {
                for bin in counts.indices { counts[bin] -= Self.seventh(of: counts[bin]) }
                stale -= Self.seventh(of: stale)
                self.day = day
            }
            for bin in counts.indices { counts[bin] &+= window[bin] }
            stale &+= others
        }

        private static func seventh(of count: UInt64) -> UInt64 {
            (count + HourlyReference.days - 1) / HourlyReference.days
        }
    }

    /// The bins of the feature, frozen with its reference.
    package let bins: FrozenBins
    var learnt = [Hour](repeating: Hour(), count: hourCount)
    /// What was seen in the last day and not learnt; in memory only.
    var withheld = [Hour](repeating: Hour(), count: hourCount)
    /// A bit per hour that has still to learn whatever it brings, because a person has accepted it.
    var open: UInt32 = 0
    /// When a person has, by ``DayHour/number``.
    var openedAt: Int64 = 0
    /// The hour of the last window, and windows within training's tolerance since the last other one.
    private var last: DayHour?
    private var windowsWithin = 0
    /// The day of the last window under an alarm.
    private var alarmDay: Int64?

    /// Nothing learnt yet.
    package init(bins: FrozenBins) {
        self.bins = bins
    }

    /// Whether some hour has still to learn whatever it brings.
    package var isOpen: Bool { open != 0 }

    /// Whether the next window of this hour is normal, because a person has said so in the 24 hours before.
    package func isOpen(at place: DayHour) -> Bool {
        open >> UInt32(place.hour) & 1 == 1 && !isOver(at: place)
    }

    /// Whether a day has passed since a person has said so.
    private func isOver(at place: DayHour) -> Bool {
        (place.number &- openedAt).magnitude >= UInt64(Self.hourCount)
    }

    /// The index of a window against its hour, and its threshold; nil if the hour knows too little.
    package func shift(
        _ window: [UInt64], at hour: Int, error: Double
    ) -> (psi: Double, threshold: Double)? {
        let reference = learnt[hour]
        let total = reference.total
        guard total >= Self.valuesMin else { return nil }
        return (
            PSI.index(window, reference: reference.counts),
            PSI.threshold(
                values: window.reduce(0, &+), referenceValues: total, bins: window.count,
                error: error)
        )
    }

    /// The rate that is usual at an hour, and a rise that is tolerated; nil if the hour knows too little.
    package func rateMax(of rate: FeatureRate, at hour: Int) -> Double? {
        let reference = learnt[hour]
        let total = reference.total
        guard total >= Self.valuesMin else { return nil }
        let count =
            switch rate {
            case .null: reference.counts[bins.missingIndex]
            case .unseen: reference.counts[bins.unseenIndex]
            case .stale: min(reference.stale, total)
            }
        return RateChange.tolerated(referenceRate: Double(count) / Double(total))
    }

    /// How a window stands, for ``take(_:stale:at:_:isAlarm:)``.
    package enum Standing: Sendable {
        /// Training tolerates it.
        case within
        /// Training does not, but it is usual at its hour.
        case explained
        /// Neither.
        case unexplained
    }

    /// Takes a window that was judged.
    ///
    /// - Parameter isAlarm: whether an alarm of the feature is on that nothing explains.
    mutating func take(
        _ window: [UInt64], stale: UInt64, at place: DayHour, _ standing: Standing, isAlarm: Bool
    ) {
        let hour = place.hour
        if let last, last.hour != hour { open &= ~(1 << UInt32(last.hour)) }
        if isOver(at: place) { open = 0 }
        last = place
        windowsWithin = standing == .within ? windowsWithin + 1 : 0
        if isAlarm { alarmDay = place.day }
        if isOpen(at: place) {
            learnt[hour].learn(window, stale: stale, on: place.day)
            if standing != .within { learnt[hour].isAccepted = true }
        } else if isAlarm || standing == .unexplained {
            if withheld[hour].day != place.day { withheld[hour] = Hour() }
            withheld[hour].learn(window, stale: stale, on: place.day)
        } else if standing == .within || learnt[hour].isAccepted {
            learnt[hour].learn(window, stale: stale, on: place.day)
        }
        if windowsWithin >= Self.windowsWithinMax { open = 0 }
    }

    /// A person says that the feature's last alarm is about something normal: what was withheld since yesterday
    /// is learnt, what was withheld before is forgotten, and as long as the alarm is on, for 24 hours at most, what
    /// comes is learnt too.
    ///
    /// - Parameter isAlarm: whether the alarm is still on.
    /// - Returns: false if there was no alarm since yesterday; then nothing changes.
    package mutating func accept(at now: DayHour, isAlarm: Bool) -> Bool {
        let days = now.day - 1...now.day
        guard isAlarm || alarmDay.map(days.contains) == true else { return false }
        for hour in withheld.indices {
            let seen = withheld[hour]
            withheld[hour] = Hour()
            guard seen.total > 0, days.contains(seen.day) else { continue }
            learnt[hour].learn(seen.counts, stale: seen.stale, on: seen.day)
            learnt[hour].isAccepted = true
        }
        open = isAlarm ? 1 << UInt32(Self.hourCount) - 1 : 0
        openedAt = now.number
        last = nil
        windowsWithin = 0
        alarmDay = nil
        return true
    }
}
