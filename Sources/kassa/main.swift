// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The command `kassa`: raw words first, then the command that they select, then its meaning.
private func runCommandLine(_ words: [String]) -> Int32 {
    if words.isEmpty || ["--help", "-h", "help"].contains(words[0]) {
        let topic = words.dropFirst().filter { !$0.hasPrefix("-") }.joined(separator: " ")
        if topic.isEmpty {
            print(overview, terminator: "")
            return 0
        }
        if let command = commands.first(where: { $0.name == topic }) {
            print(command.help, terminator: "")
            return 0
        }
        return fail(.usage("there is no command \"\(topic)\""), suggesting: "kassa --help")
    }
    // The longest name wins: "model upload" before "model".
    let command =
        commands
        .filter { words.starts(with: $0.name.split(separator: " ").map(String.init)) }
        .max { $0.name.count < $1.name.count }
    guard let command else {
        return fail(
            .usage("there is no command \"\(words.prefix(2).joined(separator: " "))\""),
            suggesting: "kassa --help")
    }
    let rest = Array(words.dropFirst(command.name.split(separator: " ").count))
    if rest.contains("--help") || rest.contains("-h") {
        print(command.help, terminator: "")
        return 0
    }
    do throws(CommandError) {
        try command.run(try Arguments(rest, for: command))
        return 0
    } catch {
        return fail(error, suggesting: "kassa \(command.name) --help")
    }
}

/// Says on standard error what went wrong, and for wrong usage where to read on.
private func fail(_ error: CommandError, suggesting help: String) -> Int32 {
    printError("kassa: \(error.message)")
    if case .usage = error { printError("try: \(help)") }
    return error.exitCode
}

exit(runCommandLine(Array(CommandLine.arguments.dropFirst())))
