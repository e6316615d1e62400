// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Simulator

/// One verb of the demo with its options, read from the command line.
enum DemoCommand: Hashable {
    /// Training rows for a model, as CSV on the standard output.
    case export(sessions: Int, seed: UInt64)

    static let usage = """
        usage: Demo export --sessions <count> --seed <number>
        """

    /// The most sessions that one export simulates.
    static let sessionLimit = 10_000_000

    init(arguments: [String]) throws(CommandError) {
        guard let verb = arguments.first else { throw .noCommand }
        guard verb == "export" else { throw .unknownCommand(verb) }
        var sessions = 50_000
        var seed: UInt64 = 1
        var rest = arguments.dropFirst()
        while let option = rest.popFirst() {
            guard ["--sessions", "--seed"].contains(option) else { throw .unknownOption(option) }
            guard let text = rest.popFirst() else { throw .noValue(option: option) }
            if option == "--seed" {
                guard let value = UInt64(text) else {
                    throw .badValue(option: option, expected: "a whole number")
                }
                seed = value
            } else {
                guard let value = Int(text), 1...DemoCommand.sessionLimit ~= value else {
                    throw .badValue(option: option, expected: "1 to \(DemoCommand.sessionLimit)")
                }
                sessions = value
            }
        }
        self = .export(sessions: sessions, seed: seed)
    }

    func run() {
        switch self {
        case .export(let sessions, let seed):
            print(TrainingRows.header)
            // A Monday; the export has no clock of its own.
            let opening = Timestamp(microseconds: 1_767_571_200_000_000)
            // As many customers as sessions, so that their histories stay what they are in a short
            // demo, however long the export is.
            let shop = Shop(
                seed: seed, opening: opening, sessions: sessions, customers: max(sessions, 4_000))
            var rows = TrainingRows(shop: shop, seed: seed)
            while let lines = rows.next() { lines.forEach { print($0) } }
        }
    }
}
