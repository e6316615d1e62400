// SPDX-License-Identifier: Apache-2.0

/// What `Bench store` was asked for.
struct StoreOptions {
    var entities = 100_000
    var rounds = 3
    var seconds = 1.0
    var warmUpSeconds = 0.3
    /// How often a measurement in a noisy moment is made again.
    var repeats = 2
    /// Rows of the writes that are measured.
    var batches = [1, 100, 1_000, 10_000]
    /// Feature sets of the grid, of ten features each.
    var gridSets = 25
    /// Rows of a bulk load.
    var bulkRows: Int { entities * 5 }
    /// Keys of the large read.
    var keys = 1_000
    var output = "bench/results/store.json"
    var commit: String?
    /// The server's program; without one, `kassa` beside this program.
    var server: String?
    /// The program of the peer; without one, `RawLMDB` beside this program.
    var peer: String?

    static let help = """
        usage: Bench store [options]

          --entities N     rows of each feature set (100000, up to 1000000)
          --rounds N       times that every case is measured (3)
          --seconds S      length of one measurement (1)
          --repeats N      times that a measurement in a noisy moment is made again (2)
          --output FILE    where the JSON goes (bench/results/store.json)
          --commit ID      what the JSON calls the measured code (git rev-parse HEAD, -dirty)
          --server FILE    the program to measure (kassa, beside this program)
          --peer FILE      LMDB in C (RawLMDB, beside this program)
          --small          a few seconds in total, to see that all of it works
        """

    init(_ words: [String]) throws(BenchError) {
        // First, so that any other option overrides it.
        if words.contains("--small") {
            entities = 1_000
            rounds = 1
            repeats = 0
            seconds = 0.3
            warmUpSeconds = 0.02
            batches = [1, 100, 1_000]
        }
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--small" { continue }
            guard let value = rest.popFirst() else { throw BenchError("\(word) needs a value") }
            switch word {
            case "--entities":
                entities = try ScoreOptions.integer(word, value, 1_000...1_000_000)
            case "--rounds": rounds = try ScoreOptions.integer(word, value, 1...99)
            case "--repeats": repeats = try ScoreOptions.integer(word, value, 0...99)
            case "--output": output = value
            case "--commit": commit = value
            case "--server": server = value
            case "--peer": peer = value
            case "--seconds":
                guard let number = Double(value), number >= 0.01, number <= 600 else {
                    throw BenchError("--seconds must lie between 0.01 and 600")
                }
                seconds = number
            default: throw BenchError("no option \(word)\n\(Self.help)")
            }
        }
        batches = batches.filter { $0 <= entities }
    }
}
