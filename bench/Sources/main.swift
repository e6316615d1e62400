// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The command `Bench`: one bench target per word.
private func run(_ words: [String]) throws {
    switch words.first {
    case "score":
        var bench = ScoreBench(try ScoreOptions(Array(words.dropFirst())))
        try bench.run()
    case "store":
        var bench = StoreBench(try StoreOptions(Array(words.dropFirst())))
        try bench.run()
    case "store-writer":
        try runWriter(Array(words.dropFirst()))
    case "models":
        var bench = ModelsBench(try ModelsOptions(Array(words.dropFirst())))
        try bench.run()
    case "allocations":
        try AllocationBench(Array(words.dropFirst())).run()
    case "aftercare":
        try AftercareBench(Array(words.dropFirst())).run()
    case "guards":
        var bench = try GuardBench(Array(words.dropFirst()))
        try bench.run()
    case "guard-cost":
        try GuardCostBench(Array(words.dropFirst())).run()
    case "guards-swapper":
        try runSwapper(Array(words.dropFirst()))
    case "guards-breaker":
        try runBreaker(Array(words.dropFirst()))
    case "drift":
        try DriftBench(Array(words.dropFirst())).run()
    case "prepare":
        try runPrepare(Array(words.dropFirst()))
    case "load":
        try runLoad(Array(words.dropFirst()))
    default:
        print(
            [
                ScoreOptions.help, StoreOptions.help, ModelsOptions.help, AllocationBench.help,
                DriftBench.help, AftercareBench.help, GuardBench.help, GuardCostBench.help,
                swapperHelp, breakerHelp, prepareHelp, loadHelp, writerHelp,
            ].joined(separator: "\n\n"))
    }
}

do {
    try run(Array(CommandLine.arguments.dropFirst()))
} catch {
    print("Bench: \(error)")
    exit(1)
}
