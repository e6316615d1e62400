// SPDX-License-Identifier: Apache-2.0

extension Tree {
    /// The value as JSON (RFC 8259): one line, or indented by two spaces.
    ///
    /// A number that JSON cannot say (infinite, NaN) becomes null.
    package func json(indented: Bool = false) -> String {
        var text = ""
        write(json: &text, indented: indented, depth: 0)
        return text
    }

    private func write(json text: inout String, indented: Bool, depth: Int) {
        switch self {
        case .null: text += "null"
        case .flag(let flag): text += flag ? "true" : "false"
        case .integer(let integer): text += String(integer)
        case .number(let number): text += number.isFinite ? number.description : "null"
        case .text(let string): text += Tree.quoted(string)
        case .list(let elements):
            Tree.write(
                elements, between: ("[", "]"), to: &text, indented: indented, depth: depth
            ) { element, text in
                element.write(json: &text, indented: indented, depth: depth + 1)
            }
        case .map(let entries):
            Tree.write(
                entries, between: ("{", "}"), to: &text, indented: indented, depth: depth
            ) { entry, text in
                text += Tree.quoted(entry.key) + (indented ? ": " : ":")
                entry.value.write(json: &text, indented: indented, depth: depth + 1)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element], between brackets: (String, String), to text: inout String,
        indented: Bool, depth: Int, each: (Element, inout String) -> Void
    ) {
        text += brackets.0
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            if indented { text += "\n" + String(repeating: "  ", count: depth + 1) }
            each(element, &text)
        }
        if indented, !elements.isEmpty { text += "\n" + String(repeating: "  ", count: depth) }
        text += brackets.1
    }

    /// `string` in double quotes with the escapes that JSON and YAML share.
    static func quoted(_ string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            // What YAML does not take as it is: the byte order mark and the two last of the plane.
            case "\u{FEFF}", "\u{FFFE}"..."\u{FFFF}": text += escaped(scalar)
            default:
                if isObeyed(scalar) {
                    text += escaped(scalar)
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        return text + "\""
    }

    /// Whether a terminal obeys `scalar` instead of showing it: controls, line separators, and what has no
    /// form of its own, such as U+202E, which turns the writing direction round.
    package static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: true
        default: false
        }
    }

    /// `\u202e`; beyond the first plane, where JSON and YAML have no escape in common, the scalar itself.
    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        guard scalar.value <= 0xFFFF else { return String(Character(scalar)) }
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
