// SPDX-License-Identifier: Apache-2.0

internal import Base

/// How busy the shop is by the hour of the day (UTC is the shop's own time).
struct ArrivalRhythm: Sendable {
    /// Relative to an average hour; their mean is 1.
    static let weights: [Double] = [
        0.40, 0.25, 0.15, 0.10, 0.10, 0.20, 0.45, 0.75, 0.95, 1.10, 1.20, 1.30,
        1.45, 1.25, 1.10, 1.10, 1.20, 1.35, 1.55, 1.85, 2.10, 1.95, 1.40, 0.75,
    ]
    static let busiest = 2.10

    /// Mean arrivals per hour over a day.
    var sessionsPerHour: Double

    /// The next arrival after `time`: candidates at the busiest rate, thinned to the hour's own.
    func arrival(after time: Timestamp, chance: inout Chance) -> Timestamp {
        let meanMicroseconds = 3_600_000_000 / (sessionsPerHour * ArrivalRhythm.busiest)
        var candidate = time
        repeat {
            let wait = chance.exponential(mean: meanMicroseconds)
            candidate.microseconds += max(Int64(min(wait, 1e15)), 1)
        } while !chance.happens(
            ArrivalRhythm.weights[candidate.hourOfDay] / ArrivalRhythm.busiest)
        return candidate
    }
}

extension Timestamp {
    /// 0...23, UTC.
    package var hourOfDay: Int {
        let hours = microseconds / 3_600_000_000 - (microseconds % 3_600_000_000 < 0 ? 1 : 0)
        return Int((hours % 24 + 24) % 24)
    }
}
