// SPDX-License-Identifier: Apache-2.0

/// Cells of comma-separated values as RFC 4180 has them.
enum CSVText {
    /// `text` with quotes where it needs them; an empty text may have them to be told from no value.
    static func field(_ text: String, isQuotedIfEmpty: Bool = false) -> String {
        if text.isEmpty { return isQuotedIfEmpty ? "\"\"" : "" }
        let special = Array(",\"\r\n".utf8)
        let isPlain =
            !text.utf8.contains { special.contains($0) } && text.utf8.first != 0x20
            && text.utf8.last != 0x20
        return isPlain ? text : "\"\(text.replacing("\"", with: "\"\""))\""
    }

    /// A number as short as it can be said without becoming another; whole ones without a fraction.
    static func number(_ number: some BinaryFloatingPoint & CustomStringConvertible) -> String {
        let text = number.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
