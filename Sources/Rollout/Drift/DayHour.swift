// SPDX-License-Identifier: Apache-2.0

/// An hour of the day in UTC, on one day: where a window of traffic belongs.
package struct DayHour: Hashable, Sendable {
    /// The longest window that belongs to one hour.
    package static let windowSecondsMax: UInt64 = 3_600
    /// How far the wall clock may be off within one window; beyond it somebody has set it.
    package static let stepSecondsMax: UInt64 = 60

    private static let secondsPerDay: Int64 = 86_400

    /// Days since 1970-01-01, before it negative.
    package let day: Int64
    /// 0 to 23.
    package let hour: Int

    /// Hours since 1970-01-01, before it negative.
    package var number: Int64 { day * 24 + Int64(hour) }

    /// The hour of an instant, in microseconds since 1970.
    package init(microseconds: Int64) {
        let seconds = Self.floor(microseconds, by: 1_000_000)
        day = Self.floor(seconds, by: Self.secondsPerDay)
        hour = Int((seconds - day * Self.secondsPerDay) / 3_600)
    }

    /// The hour of a window's middle; nil if the window is too long for one hour, or the wall clock stepped in it.
    ///
    /// - Parameters:
    ///   - from: when it began by the wall clock, in microseconds since 1970; so is `to`, when it ended.
    ///   - nanoseconds: how long it lasted by a clock that does not step.
    package init?(from: Int64, to: Int64, lasting nanoseconds: UInt64) {
        guard nanoseconds <= Self.windowSecondsMax * 1_000_000_000 else { return nil }
        let lasted = Int64(nanoseconds / 1_000)
        let (passed, isOverflow) = to.subtractingReportingOverflow(from)
        guard !isOverflow, passed > -lasted,
            (passed - lasted).magnitude <= Self.stepSecondsMax * 1_000_000
        else { return nil }
        self.init(microseconds: to.subtractingReportingOverflow(lasted / 2).partialValue)
    }

    private static func floor(_ number: Int64, by divisor: Int64) -> Int64 {
        let (quotient, rest) = number.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }
}
