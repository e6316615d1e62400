// SPDX-License-Identifier: Apache-2.0

internal import Documents

/// What the words typed after `kassa` ask for.
enum Selection {
    /// Show this page.
    case help(String)
    /// Run this command with the words that follow its name.
    case run(Command, [String])

    init(_ words: [String]) throws(CommandError) {
        guard let first = words.first else {
            self = .help(overview)
            return
        }
        if ["help", "--help", "-h"].contains(first) {
            let topic = words.dropFirst().filter { !$0.hasPrefix("-") }
            self = .help(topic.isEmpty ? overview : try Self.help(of: topic))
            return
        }
        if first == "--version" {
            self = .run(versionCommand, [])
            return
        }
        let (command, rest) = try Self.command(words)
        let flags = rest.prefix { $0 != "--" }
        self =
            flags.contains("--help") || flags.contains("-h")
            ? .help(command.help) : .run(command, rest)
    }

    private static func help(of topic: [String]) throws(CommandError) -> String {
        let members = members(of: topic[0])
        if topic.count == 1, !members.isEmpty {
            return members.map(\.help).joined(separator: "\n")
        }
        return try command(topic).0.help
    }

    /// The command that `words` begin with, and the words behind its name.
    private static func command(_ words: [String]) throws(CommandError) -> (Command, [String]) {
        // The longest name wins: "model upload" before "model".
        let found =
            commands
            .filter { words.starts(with: $0.name.split(separator: " ").map(String.init)) }
            .max { $0.name.count < $1.name.count }
        if let found {
            return (found, Array(words.dropFirst(found.name.split(separator: " ").count)))
        }
        let members = members(of: words[0])
        if !members.isEmpty {
            let verbs = members.map { String($0.name.dropFirst(words[0].count + 1)) }
            let all = "kassa \(words[0]) needs one of \(verbs.joined(separator: ", "))"
            guard words.count > 1, !words[1].hasPrefix("-") else { throw .usage(all) }
            throw .usage(
                NearestWord.of(words[1], among: verbs).map {
                    "there is no command \"\(words[0]) \(words[1])\";"
                        + " did you mean \"\(words[0]) \($0)\"?"
                } ?? "there is no command \"\(words[0]) \(words[1])\"; \(all)")
        }
        let names = commands.map(\.name)
        let nearest =
            NearestWord.of(words.prefix(2).joined(separator: " "), among: names)
            ?? NearestWord.of(words[0], among: names)
        throw .usage(
            "there is no command \"\(words[0])\""
                + (nearest.map { "; did you mean \"\($0)\"?" } ?? ""))
    }

    /// The commands whose names begin with the word `group`, "model".
    private static func members(of group: String) -> [Command] {
        commands.filter { $0.name.hasPrefix(group + " ") }
    }
}
