// SPDX-License-Identifier: Apache-2.0

extension HourlyReference {
    /// What of it is kept over a restart: all but what is withheld.
    package struct Stored: Equatable, Sendable {
        /// Hour by hour a count per bin.
        package var counts: [UInt64]
        /// By hour the values that were stale, and the last day that was learnt from.
        package var stale: [UInt64]
        package var days: [Int64]
        /// A bit per hour that a person has accepted, and per hour that still learns whatever it brings.
        package var acceptedHours: UInt32
        package var openHours: UInt32
        /// When a person has accepted them last, by ``DayHour/number``.
        package var openedAtHour: Int64

        /// Those fields.
        package init(
            counts: [UInt64], stale: [UInt64], days: [Int64], acceptedHours: UInt32,
            openHours: UInt32, openedAtHour: Int64
        ) {
            self.counts = counts
            self.stale = stale
            self.days = days
            self.acceptedHours = acceptedHours
            self.openHours = openHours
            self.openedAtHour = openedAtHour
        }
    }

    /// What is to be kept; nil if nothing was learnt yet.
    package var stored: Stored? {
        guard open != 0 || learnt.contains(where: { !$0.counts.isEmpty }) else { return nil }
        let none = [UInt64](repeating: 0, count: bins.count)
        var accepted: UInt32 = 0
        for (hour, learnt) in learnt.enumerated() where learnt.isAccepted {
            accepted |= 1 << UInt32(hour)
        }
        return Stored(
            counts: learnt.flatMap { $0.counts.isEmpty ? none : $0.counts },
            stale: learnt.map(\.stale), days: learnt.map(\.day), acceptedHours: accepted,
            openHours: open, openedAtHour: openedAt)
    }

    /// What was kept; nil if it does not fit those bins, or is nothing that was ever learnt.
    package init?(bins: FrozenBins, _ stored: Stored) {
        self.init(bins: bins)
        guard stored.counts.count == Self.hourCount * bins.count,
            stored.stale.count == Self.hourCount, stored.days.count == Self.hourCount,
            stored.counts.allSatisfy({ $0 < Self.valuesMax / UInt64(bins.count) }),
            stored.stale.allSatisfy({ $0 < Self.valuesMax }),
            (stored.acceptedHours | stored.openHours) >> UInt32(Self.hourCount) == 0
        else { return nil }
        open = stored.openHours
        openedAt = stored.openedAtHour
        for hour in learnt.indices {
            let counts = stored.counts[hour * bins.count..<(hour + 1) * bins.count]
            guard counts.contains(where: { $0 > 0 }) else { continue }
            learnt[hour] = Hour(
                counts: Array(counts), stale: stored.stale[hour], day: stored.days[hour],
                isAccepted: stored.acceptedHours >> UInt32(hour) & 1 == 1)
        }
    }
}
