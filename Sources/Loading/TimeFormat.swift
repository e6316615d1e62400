// SPDX-License-Identifier: Apache-2.0

/// How a column says moments.
package enum TimeFormat: String, Sendable, CaseIterable {
    /// A date and a time with its distance from UTC: RFC 3339, or "2020-04-01 12:00:00 UTC".
    case date
    /// Whole seconds since the Unix epoch.
    case seconds = "s"
    /// Whole milliseconds since the Unix epoch.
    case milliseconds = "ms"
    /// Whole microseconds since the Unix epoch.
    case microseconds = "us"

    /// What a value must be, for a reject's reason.
    var form: String {
        switch self {
        case .date:
            "is no time such as 2020-04-01T12:00:00Z or 2020-04-01 12:00:00 UTC; a plain number"
                + " needs its unit: s, ms or us"
        case .seconds: "is no whole number of seconds"
        case .milliseconds: "is no whole number of milliseconds"
        case .microseconds: "is no whole number of microseconds"
        }
    }

    /// Microseconds since the Unix epoch; nil if the text is no such moment.
    package func microseconds(_ text: Span<UInt8>) -> Int64? {
        switch self {
        case .date: return Self.date(text)
        case .seconds: return Self.scaled(text, by: 1_000_000)
        case .milliseconds: return Self.scaled(text, by: 1_000)
        case .microseconds: return Self.scaled(text, by: 1)
        }
    }

    private static func scaled(_ text: Span<UInt8>, by factor: Int64) -> Int64? {
        guard let number = NumberText.integer(text) else { return nil }
        let (product, isOver) = number.multipliedReportingOverflow(by: factor)
        return isOver ? nil : product
    }

    /// `YYYY-MM-DD[Tt ]HH:MM:SS[.digits]` and `Z`, ` UTC` or `+HH:MM`.
    private static func date(_ text: Span<UInt8>) -> Int64? {
        guard text.count >= 20, text.count <= 64, text[4] == UInt8(ascii: "-"),
            text[7] == UInt8(ascii: "-"), text[13] == UInt8(ascii: ":"),
            text[16] == UInt8(ascii: ":"),
            text[10] | 0x20 == UInt8(ascii: "t") || text[10] == 0x20,
            let year = number(text, 0, 4), let month = number(text, 5, 2),
            let day = number(text, 8, 2), let hour = number(text, 11, 2),
            let minute = number(text, 14, 2), let second = number(text, 17, 2),
            (1...12).contains(month), day >= 1, day <= days(in: month, of: year), hour < 24,
            // A leap second is taken for the second behind it, as Unix time has it.
            minute < 60, second <= 60
        else { return nil }
        var index = 19
        var microseconds: Int64 = 0
        if text[index] == UInt8(ascii: ".") {
            index += 1
            var unit: Int64 = 100_000
            let first = index
            while index < text.count, text[index] &- 48 < 10 {
                microseconds += Int64(text[index] &- 48) * unit
                unit /= 10
                index += 1
            }
            guard index > first else { return nil }
        }
        guard let offset = offset(text, from: index) else { return nil }
        let seconds =
            daysSinceEpoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
        return (seconds - offset) * 1_000_000 + microseconds
    }

    /// The seconds that the moment is ahead of UTC.
    private static func offset(_ text: Span<UInt8>, from index: Int) -> Int64? {
        let rest = text.count - index
        guard rest > 0 else { return nil }
        if rest == 1 { return text[index] | 0x20 == UInt8(ascii: "z") ? 0 : nil }
        if rest == 4 {
            return text[index] == 0x20 && text[index + 1] == UInt8(ascii: "U")
                && text[index + 2] == UInt8(ascii: "T") && text[index + 3] == UInt8(ascii: "C")
                ? 0 : nil
        }
        guard rest == 6, text[index + 3] == UInt8(ascii: ":"),
            let hours = number(text, index + 1, 2), let minutes = number(text, index + 4, 2),
            hours < 24, minutes < 60
        else { return nil }
        switch text[index] {
        case UInt8(ascii: "+"): return hours * 3_600 + minutes * 60
        case UInt8(ascii: "-"): return -(hours * 3_600 + minutes * 60)
        default: return nil
        }
    }

    private static func number(_ text: Span<UInt8>, _ start: Int, _ count: Int) -> Int64? {
        var value: Int64 = 0
        for index in start..<start + count {
            let digit = text[index] &- 48
            guard digit < 10 else { return nil }
            value = value * 10 + Int64(digit)
        }
        return value
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
    private static func daysSinceEpoch(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year + 399 : year + 400
        let era = shifted / 400
        let yearOfEra = shifted % 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return (era - 1) * 146_097 + dayOfEra - 719_468
    }
}
