// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The command `Bench`: one bench target per word.
private func run(_ words: [String]) throws {
    switch words.first {
    case "score":
        var bench = ScoreBench(try ScoreOptions(Array(words.dropFirst())))
        try bench.run()
    case "load":
        try runLoad(Array(words.dropFirst()))
    default:
        print("\(ScoreOptions.help)\n\n\(loadHelp)")
    }
}

do {
    try run(Array(CommandLine.arguments.dropFirst()))
} catch {
    print("Bench: \(error)")
    exit(1)
}
