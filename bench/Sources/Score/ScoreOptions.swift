// SPDX-License-Identifier: Apache-2.0

/// What `Bench score` was asked for.
struct ScoreOptions {
    var entities = 200_000
    var rounds = 3
    var seconds = 2.0
    var warmUpSeconds = 0.3
    /// How often a measurement in a noisy moment is made again.
    var repeats = 2
    var trees = 100
    var depth = 6
    var isSmall = false
    /// The folder of the demo's configuration, if its model is to be measured.
    var demo: String?
    var output: String?
    /// What the result calls the measured code; the commit that is checked out, if nobody says otherwise.
    var commit: String?
    /// The server's program; without one, `kassa` beside this program.
    var server: String?

    static let help = """
        usage: Bench score [options]

          --entities N     rows to load and to ask about (200000, up to 1000000)
          --rounds N       times that every case is measured (3)
          --seconds S      length of one measurement (2)
          --repeats N      times that a measurement in a noisy moment is made again (2)
          --trees N        trees of the model (100)
          --depth N        depth of its trees (6)
          --demo FOLDER    measure the model of Sources/Demo/Configuration instead
          --output FILE    where the JSON goes (bench/results/score.json or score-demo.json)
          --commit ID      what the JSON calls the measured code (git rev-parse HEAD, -dirty)
          --server FILE    the program to measure (kassa, beside this program)
          --small          a few seconds in total, to see that all of it works
        """

    init(_ words: [String]) throws(BenchError) {
        // First, so that any other option overrides it.
        if words.contains("--small") {
            isSmall = true
            entities = 1_000
            rounds = 1
            repeats = 0
            seconds = 0.2
            warmUpSeconds = 0.05
        }
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--small" { continue }
            guard let value = rest.popFirst() else { throw BenchError("\(word) needs a value") }
            switch word {
            case "--entities": entities = try Self.integer(word, value, 1...1_000_000)
            case "--rounds": rounds = try Self.integer(word, value, 1...99)
            case "--repeats": repeats = try Self.integer(word, value, 0...99)
            case "--trees": trees = try Self.integer(word, value, 1...5_000)
            case "--depth": depth = try Self.integer(word, value, 1...12)
            case "--demo": demo = value
            case "--output": output = value
            case "--commit": commit = value
            case "--server": server = value
            case "--seconds":
                guard let number = Double(value), number >= 0.01, number <= 600 else {
                    throw BenchError("--seconds must lie between 0.01 and 600")
                }
                seconds = number
            default: throw BenchError("no option \(word)\n\(Self.help)")
            }
        }
    }

    static func integer(
        _ name: String, _ value: String, _ range: ClosedRange<Int>
    ) throws(BenchError) -> Int {
        guard let number = Int(value), range.contains(number) else {
            throw BenchError("\(name) must be a whole number in \(range)")
        }
        return number
    }
}
