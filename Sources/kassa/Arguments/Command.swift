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

    /// The help page of this command.
    var help: String {
        var page = "\(summary)\n\nusage: kassa \(name)"
        if !flags.isEmpty { page += " [flags]" }
        if !operands.isEmpty { page += " \(operands)" }
        page += "\n"
        if !discussion.isEmpty { page += "\n\(discussion)\n" }
        if !flags.isEmpty {
            page += "\nflags:\n"
            let left = flags.map { flag in
                let names = [flag.short, flag.name].compactMap { $0 }.joined(separator: ", ")
                return flag.value.map { "\(names) \($0)" } ?? names
            }
            let width = left.map(\.count).max() ?? 0
            for (flag, names) in zip(flags, left) {
                let padding = String(repeating: " ", count: width - names.count + 2)
                page += "  \(names)\(padding)\(flag.help)\n"
            }
        }
        return page
    }
}
