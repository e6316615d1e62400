// SPDX-License-Identifier: Apache-2.0

extension Tree {
    /// The value as a YAML document in block style, with a line feed at its end.
    package func yaml() -> String {
        var text = ""
        write(yaml: &text, depth: 0)
        // A block begins on a line of its own, a scalar behind a space: neither is wanted here.
        return String(text.dropFirst())
    }

    /// Writes what follows a key's colon or a list's dash: a scalar behind a space, or an indented
    /// block on the next line.
    private func write(yaml text: inout String, depth: Int) {
        let indent = String(repeating: "  ", count: depth)
        switch self {
        case .null: text += " null\n"
        case .flag(let flag): text += flag ? " true\n" : " false\n"
        case .integer(let integer): text += " \(integer)\n"
        case .number(let number): text += " \(Tree.yamlText(number))\n"
        case .text(let string):
            text += Tree.isPlain(string) ? " \(string)\n" : " \(Tree.quoted(string))\n"
        case .list(let elements) where elements.isEmpty: text += " []\n"
        case .map(let entries) where entries.isEmpty: text += " {}\n"
        case .list(let elements):
            text += "\n"
            for element in elements {
                text += indent + "-"
                var block = ""
                element.write(yaml: &block, depth: depth + 1)
                // A map's first key stands on the line of the dash.
                if block.first == "\n" { block = " " + block.dropFirst(1 + 2 * (depth + 1)) }
                text += block
            }
        case .map(let entries):
            text += "\n"
            for entry in entries {
                text += indent + (Tree.isPlain(entry.key) ? entry.key : Tree.quoted(entry.key))
                text += ":"
                entry.value.write(yaml: &text, depth: depth + 1)
            }
        }
    }

    private static func yamlText(_ number: Double) -> String {
        if number.isNaN { return ".nan" }
        if number.isInfinite { return number > 0 ? ".inf" : "-.inf" }
        return number.description
    }

    /// Whether `string` reads back as the same text without quotes, in YAML 1.1 and 1.2.
    private static func isPlain(_ string: String) -> Bool {
        if DurationText.milliseconds(string) != nil { return true }
        let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        guard let first = string.utf8.first, let last = string.utf8.last,
            isLetter(first) || first == 0x5F, last != 0x20, !words.contains(string.lowercased())
        else { return false }
        // Letters, digits, spaces and what means nothing inside a line.
        return string.utf8.allSatisfy { byte in
            isLetter(byte) || (0x30...0x39).contains(byte) || " _-./@()+;%".utf8.contains(byte)
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
