// SPDX-License-Identifier: Apache-2.0

/// Swift source under construction: lines with their indentation.
struct SwiftText {
    private(set) var content = ""
    private var depth = 0

    /// Adds a line, or an empty one.
    mutating func line(_ text: String = "") {
        if !text.isEmpty { content += String(repeating: "    ", count: depth) + text }
        content += "\n"
    }

    /// Adds the lines of a doc comment.
    mutating func doc(_ text: String) {
        for part in text.split(separator: "\n", omittingEmptySubsequences: false) {
            line(part.isEmpty ? "///" : "/// \(part)")
        }
    }

    /// Adds `opening {`, what `body` adds one level deeper, and `}`.
    mutating func block<Failure: Error>(
        _ opening: String, _ body: (inout SwiftText) throws(Failure) -> Void
    ) throws(Failure) {
        line("\(opening) {")
        depth += 1
        try body(&self)
        depth -= 1
        line("}")
    }
}
