// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Documents

/// Values, ages and statuses as people read them.
enum ValueText {
    /// A value, or a dash for none.
    static func text(_ value: KassaV1.Value?) -> String {
        switch value?.kind {
        case .number(let number): shortest(number)
        case .integer(let integer): "\(integer)"
        case .flag(let flag): "\(flag)"
        case .text(let text): printable(text)
        case .vector(let vector): "[\(vector.values.map { "\($0)" }.joined(separator: ", "))]"
        case .strings(let list): "[\(list.values.map(printable).joined(separator: ", "))]"
        case .null, nil: "–"
        }
    }

    /// A number as short as it can be said: 84.9 for the float32 that is nearest to it.
    static func shortest(_ number: Double) -> String {
        let narrow = Float(number)
        let text = Double(narrow) == number ? narrow.description : number.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// The same number for JSON: 84.9, not 84.9000015258789.
    static func tree(_ number: Double) -> Tree {
        let narrow = Float(number)
        guard Double(narrow) == number, let short = Double(narrow.description) else {
            return .number(number)
        }
        return .number(short)
    }

    /// A value for JSON.
    static func tree(_ value: KassaV1.Value?) -> Tree {
        if case .number(let number) = value?.kind { return tree(number) }
        return value?.tree ?? .null
    }

    /// `text` with escapes for what a terminal would obey: controls, line separators, and what has no form
    /// of its own, such as a switch of the writing direction (U+202E reads the rest from right to left).
    static func printable(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if Tree.isObeyed(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// An age in milliseconds, "12 ms", "3.4 s", "5 min", "2 h", "3 d"; a dash for none.
    static func age(milliseconds: Int64) -> String {
        switch milliseconds {
        case ..<0: "–"
        case ..<1_000: "\(milliseconds) ms"
        case ..<60_000: "\(milliseconds / 1_000).\(milliseconds % 1_000 / 100) s"
        case ..<3_600_000: "\(milliseconds / 60_000) min"
        case ..<172_800_000: "\(milliseconds / 3_600_000) h"
        default: "\(milliseconds / 86_400_000) d"
        }
    }

    /// `number` with `digits` decimals.
    static func fixed(_ number: Double, digits: Int) -> String {
        guard number.isFinite, number.magnitude < 1e12 else { return "\(number)" }
        let scale = (0..<digits).reduce(1.0) { power, _ in power * 10 }
        let scaled = Int64((number.magnitude * scale).rounded())
        let part = String(scaled % Int64(scale))
        let zeros = String(repeating: "0", count: max(0, digits - part.count))
        let sign = number < 0 && scaled > 0 ? "-" : ""
        return "\(sign)\(scaled / Int64(scale)).\(zeros)\(part)"
    }
}
