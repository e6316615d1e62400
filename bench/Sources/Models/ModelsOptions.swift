// SPDX-License-Identifier: Apache-2.0

/// What `Bench models` was asked for.
struct ModelsOptions {
    /// Where `bench/models/prepare.py` put models and rows.
    var data = ".build/bench-models/data"
    /// The virtual environment of the peers.
    var environment = ".build/bench-models/venv"
    var shapes = ["100x6", "500x31", "1000x8"]
    var rounds = 5
    var seconds = 0.5
    /// Models in turn where caches are to be cold.
    var copies = 64
    var output = "bench/results/models.json"
    var commit: String?

    static let help = """
        usage: Bench models [options]

          --data FOLDER    what bench/models/prepare.py made (.build/bench-models/data)
          --venv FOLDER    where the peers are installed (.build/bench-models/venv)
          --shape NAME     one of 100x6, 500x31, 1000x8 only
          --rounds N       times that every case is measured (5)
          --seconds S      length of one measurement (0.5)
          --copies N       models in turn where caches are cold (64); 1 leaves these cases out
          --output FILE    where the JSON goes (bench/results/models.json)
          --commit ID      what the JSON calls the measured code (git rev-parse HEAD, -dirty)
        """

    init(_ words: [String]) throws(BenchError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            guard let value = rest.popFirst() else { throw BenchError("\(word) needs a value") }
            switch word {
            case "--data": data = value
            case "--venv": environment = value
            case "--shape":
                guard shapes.contains(value) else { throw BenchError("no shape \(value)") }
                shapes = [value]
            case "--rounds": rounds = try ScoreOptions.integer(word, value, 1...99)
            case "--copies": copies = try ScoreOptions.integer(word, value, 1...64)
            case "--output": output = value
            case "--commit": commit = value
            case "--seconds":
                guard let number = Double(value), number >= 0.01, number <= 60 else {
                    throw BenchError("--seconds must lie between 0.01 and 60")
                }
                seconds = number
            default: throw BenchError("no option \(word)\n\(Self.help)")
            }
        }
    }
}
