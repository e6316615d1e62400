// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Does what the words say and returns the exit code.
private func runCommandLine(_ words: [String]) -> Int32 {
    var help = "kassa --help"
    do throws(CommandError) {
        switch try Selection(words) {
        case .help(let page):
            print(page, terminator: "")
        case .run(let command, let rest):
            help = "kassa \(command.name) --help"
            try command.run(try Arguments(rest, for: command))
        }
        return 0
    } catch {
        printError("kassa: \(error.message)")
        if case .usage = error { printError("try: \(help)") }
        return error.exitCode
    }
}

exit(runCommandLine(Array(CommandLine.arguments.dropFirst())))
