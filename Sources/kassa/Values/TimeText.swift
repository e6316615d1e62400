// SPDX-License-Identifier: Apache-2.0

internal import Loading

/// A moment as people write it: microseconds since 1970, or RFC 3339, "2026-11-20T12:00:00Z".
enum TimeText {
    /// What a flag's help and refusals call it.
    static let form = "a time such as 2026-11-20T12:00:00Z, or microseconds since 1970"

    /// The microseconds since 1970 that `text` says; nil if it is no such time.
    static func microseconds(_ text: String) -> Int64? {
        if let number = Int64(text) { return text.utf8.first == 0x2B ? nil : number }
        return TimeFormat.date.microseconds(text.utf8Span.span)
    }

    /// `microseconds` as RFC 3339, with as many decimals as it needs.
    static func text(microseconds: Int64) -> String {
        let second = floorDivided(microseconds, by: 1_000_000)
        let day = floorDivided(second, by: 86_400)
        let (year, month, date) = civil(day: day)
        let rest = second - day * 86_400
        var text = "\(padded(year, 4))-\(padded(month, 2))-\(padded(date, 2))T"
        text += "\(padded(rest / 3_600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))"
        let fraction = microseconds - second * 1_000_000
        if fraction > 0 {
            var digits = padded(fraction, 6)
            while digits.last == "0" { digits.removeLast() }
            text += ".\(digits)"
        }
        return text + "Z"
    }

    private static func civil(day: Int64) -> (year: Int64, month: Int64, date: Int64) {
        let days = day + 719_468
        let era = floorDivided(days, by: 146_097)
        let ofEra = days - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100)
        let month = (ofYear * 5 + 2) / 153
        let date = ofYear - (month * 153 + 2) / 5 + 1
        let isNextYear = month >= 10
        return (
            yearOfEra + era * 400 + (isNextYear ? 1 : 0), isNextYear ? month - 9 : month + 3, date
        )
    }

    private static func floorDivided(_ number: Int64, by divisor: Int64) -> Int64 {
        number >= 0 ? number / divisor : (number + 1) / divisor - 1
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Arguments {
    /// The value of `name` as a moment in microseconds since 1970; nil if it was not given.
    func time(_ name: String) throws(CommandError) -> Int64? {
        guard let text = value(name) else { return nil }
        guard let time = TimeText.microseconds(text) else {
            throw .usage("\(name) must be \(TimeText.form), not \"\(text)\"")
        }
        return time
    }
}
