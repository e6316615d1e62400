// SPDX-License-Identifier: Apache-2.0

/// A moment as people write it: microseconds since 1970, or RFC 3339, "2026-11-20T12:00:00Z".
enum TimeText {
    /// What a flag's help and refusals call it.
    static let form = "a time such as 2026-11-20T12:00:00Z, or microseconds since 1970"

    /// The microseconds since 1970 that `text` says; nil if it is no such time, or not of years 1 to 9999.
    static func microseconds(_ text: String) -> Int64? {
        if let number = Int64(text) { return text.utf8.first == 0x2B ? nil : number }
        return rfc3339(Array(text.utf8))
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

    /// RFC 3339, section 5.6: the date, T or t or a space, the time, at most six decimals, and a zone.
    private static func rfc3339(_ text: [UInt8]) -> Int64? {
        guard text.count >= 20, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            [UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: " ")].contains(text[10]),
            text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"),
            let year = number(text[0..<4]), let month = number(text[5..<7]),
            let date = number(text[8..<10]), let hour = number(text[11..<13]),
            let minute = number(text[14..<16]), let second = number(text[17..<19]),
            year >= 1, (1...12).contains(month), (1...daysOf(month, year)).contains(date),
            hour < 24, minute < 60, second < 60
        else { return nil }
        var rest = text[19...]
        var fraction: Int64 = 0
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            guard (1...6).contains(digits.count), let value = number(digits) else { return nil }
            fraction = (digits.count..<6).reduce(value) { value, _ in value * 10 }
            rest = rest[digits.endIndex...]
        }
        guard let zone = zoneSeconds(rest) else { return nil }
        let seconds = day(year, month, date) * 86_400 + hour * 3_600 + minute * 60 + second - zone
        return seconds * 1_000_000 + fraction
    }

    private static func zoneSeconds(_ text: ArraySlice<UInt8>) -> Int64? {
        if [Array("Z".utf8), Array("z".utf8), Array(" UTC".utf8)].contains(Array(text)) {
            return 0
        }
        let zone = Array(text)
        guard zone.count == 6, zone[0] == UInt8(ascii: "+") || zone[0] == UInt8(ascii: "-"),
            zone[3] == UInt8(ascii: ":"), let hour = number(zone[1..<3]),
            let minute = number(zone[4..<6]), hour < 24, minute < 60
        else { return nil }
        return (hour * 3_600 + minute * 60) * (zone[0] == UInt8(ascii: "-") ? -1 : 1)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    private static func daysOf(_ month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 2:
            year.isMultiple(of: 4) && !year.isMultiple(of: 100) || year.isMultiple(of: 400)
                ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01; years begin in March, so that the leap day is the last of its year.
    private static func day(_ year: Int64, _ month: Int64, _ date: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let month = (month + 9) % 12
        return year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + date
            - 719_469
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
