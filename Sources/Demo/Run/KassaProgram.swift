// SPDX-License-Identifier: Apache-2.0

/// The real command line, run as a person would, with what it prints.
struct KassaProgram {
    /// The `kassa` binary.
    let path: String
    let ink: Ink

    /// Runs `kassa` with `words`, showing both.
    func run(_ words: [String]) throws(CommandError) {
        announce(words)
        var child = try ChildProcess(path, words, output: .shared)
        let code = child.wait()
        guard code == 0 else { throw Self.failure(words, code) }
    }

    /// The same, its lines broken to fit a narrow terminal; returns them as they came.
    @discardableResult
    func runWrapped(_ words: [String], exitCode: Int32 = 0) throws(CommandError) -> [String] {
        announce(words)
        var child = try ChildProcess(path, words, output: .pipeWithErrors)
        var lines: [String] = []
        while let line = child.nextLine() {
            Text.wrapped(line, columns: Text.narrowColumns).forEach { print($0) }
            lines.append(line)
        }
        let code = child.wait()
        guard code == exitCode else { throw Self.failure(words, code) }
        return lines
    }

    /// Shows what is about to be run, broken where a shell would take it.
    func announce(_ words: [String]) {
        let shown = words.map { $0.contains(" ") ? "\"\($0)\"" : $0 }
        var lines = ["$ kassa"]
        for (place, word) in shown.enumerated() {
            let last = lines[lines.count - 1]
            // A flag goes on with its value.
            let value =
                place + 1 < shown.count && word.hasPrefix("-") ? shown[place + 1].count + 1 : 0
            if last.count + 1 + word.count + value > Text.narrowColumns - 2,
                last.hasSuffix(" \\") == false,
                word.hasPrefix("-")
            {
                lines[lines.count - 1] += " \\"
                lines.append("    \(word)")
            } else {
                lines[lines.count - 1] += " \(word)"
            }
        }
        print("")
        lines.forEach { print(ink.paint($0, .strong)) }
    }

    private static func failure(_ words: [String], _ code: Int32) -> CommandError {
        .failed("kassa \(words.joined(separator: " ")) ended with exit code \(code)")
    }
}
