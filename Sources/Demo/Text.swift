// SPDX-License-Identifier: Apache-2.0

/// Plain-text building blocks: numbers, padding and meters. Every character is one column wide.
enum Text {
    /// Columns in a line of the demo's output.
    static let columns = 100
    /// Columns of what the story prints.
    static let narrowColumns = 80

    /// `value` with `digits` decimals, rounded half away from zero; what is no number is a dash.
    static func fixed(_ value: Double, digits: Int) -> String {
        let scale = (0..<digits).reduce(1.0) { power, _ in power * 10 }
        let scaled = (value.magnitude * scale).rounded()
        guard scaled < 1e15 else { return "–" }
        let whole = Int64(scaled)
        let sign = value < 0 && whole > 0 ? "-" : ""
        if digits <= 0 { return "\(sign)\(whole)" }
        let part = String(whole % Int64(scale))
        let zeros = String(repeating: "0", count: max(digits - part.count, 0))
        return "\(sign)\(whole / Int64(scale)).\(zeros)\(part)"
    }

    /// A count with thin groups: `12 345`.
    static func count(_ value: Int) -> String {
        var groups: [String] = []
        var digits = Substring(String(value.magnitude))
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits = digits.dropLast(3)
        }
        groups.insert(String(digits), at: 0)
        return (value < 0 ? "-" : "") + groups.joined(separator: " ")
    }

    /// `€84.90`.
    static func euros(cents: Int) -> String {
        let rest = cents.magnitude % 100
        return "\(cents < 0 ? "−" : "")€\(cents.magnitude / 100).\(rest < 10 ? "0" : "")\(rest)"
    }

    /// A share as whole percent without the sign, 0...100.
    static func percent(_ share: Double) -> String {
        fixed(min(max(share, 0), 1) * 100, digits: 0)
    }

    /// `text` in exactly `width` columns: spaces after it, or its end cut off.
    static func left(_ text: String, _ width: Int) -> String {
        if text.count > width { return text.prefix(max(width - 1, 0)) + (width > 0 ? "…" : "") }
        return text + String(repeating: " ", count: width - text.count)
    }

    /// `text` with spaces before it to at least `width` columns; a number is never cut.
    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(width - text.count, 0)) + text
    }

    /// A bar of `width` cells, filled to `share`; all empty if `share` is no number.
    static func meter(_ share: Double, width: Int) -> String {
        let filled = cells(share, width: width)
        return String(repeating: "▮", count: filled)
            + String(repeating: "▯", count: width - filled)
    }

    /// How many of `width` cells `share` fills, rounded.
    static func cells(_ share: Double, width: Int) -> Int {
        share.isNaN ? 0 : Int((min(max(share, 0), 1) * Double(width)).rounded())
    }

    /// The time of day in UTC: `12:04:31`.
    static func clock(microseconds: Int64) -> String {
        let day: Int64 = 86_400
        let whole = microseconds / 1_000_000 - (microseconds % 1_000_000 < 0 ? 1 : 0)
        let second = (whole % day + day) % day
        return [second / 3_600, second / 60 % 60, second % 60]
            .map { ($0 < 10 ? "0" : "") + String($0) }
            .joined(separator: ":")
    }

    /// `line` in pieces of at most `columns`, broken at spaces and indented behind the first by
    /// `indent` more; a word that is longer than a piece stays whole. A table's gaps are narrowed first.
    static func wrapped(_ line: String, columns: Int, indent: Int = 4) -> [String] {
        guard line.count > columns else { return [line] }
        let lead = String(line.prefix { $0 == " " })
        let next = lead + String(repeating: " ", count: indent)
        var lines: [String] = []
        var piece = lead
        var isFresh = true
        for word in line.split(separator: " ") {
            if !isFresh, piece.count + 1 + word.count > columns {
                lines.append(piece)
                (piece, isFresh) = (next, true)
            }
            piece += isFresh ? word : " \(word)"
            isFresh = false
        }
        return lines + [piece]
    }
}
