// SPDX-License-Identifier: Apache-2.0

/// One thing that `kassa` can do.
struct Command: Sendable {
    /// The words that select it, "model upload".
    let name: String
    /// What follows the flags, "KIND NAME".
    var operands = ""
    /// The least and most operands.
    var operandCount: ClosedRange<Int> = 0...0
    /// One line for the list of commands.
    let summary: String
    /// What else a person wants to know: paragraphs and examples.
    var discussion = ""
    var flags: [Flag] = []
    let run: @Sendable (Arguments) throws(CommandError) -> Void

    /// Every flag, with the one that all commands have.
    var allFlags: [Flag] {
        flags + [Flag(name: "--help", short: "-h", help: "Show this page.")]
    }

    /// The help page of this command.
    var help: String {
        var page = "\(summary)\n\nusage: kassa \(name)"
        if !operands.isEmpty { page += " \(operands)" }
        page += " [flags]\n"
        if !discussion.isEmpty { page += "\n\(discussion)\n" }
        page += "\nflags:\n"
        let left = allFlags.map { flag in
            let names = (flag.short.map { "\($0), " } ?? "    ") + flag.name
            return flag.value.map { "\(names) \($0)" } ?? names
        }
        let width = left.map(\.count).max() ?? 0
        for (flag, names) in zip(allFlags, left) {
            let padding = String(repeating: " ", count: width - names.count + 2)
            page += "  \(names)\(padding)\(flag.help)\n"
        }
        return page
    }
}
