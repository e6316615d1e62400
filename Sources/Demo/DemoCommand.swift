// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Client
internal import Glibc
internal import Simulator

/// One verb of the demo with its options, read from the command line.
enum DemoCommand: Hashable {
    /// Training rows for a model, as CSV on the standard output.
    case export(sessions: Int, seed: UInt64)
    /// The shop's visitors against a running server.
    case live(server: String, sessions: Int, seed: UInt64)
    /// Everything, with a server of its own. A nil `kassa` is the one beside this program.
    case run(kassa: String?, configuration: String, sessions: Int, seed: UInt64)

    static let usage = """
        usage: Demo export [--sessions COUNT] [--seed NUMBER]
               Demo live   [--server HOST:PORT] [--sessions COUNT] [--seed NUMBER]
               Demo run    [--kassa FILE] [--configuration FOLDER] [--sessions COUNT]
                           [--seed NUMBER]
        """

    /// The most sessions that one command simulates.
    static let sessionLimit = 10_000_000
    /// Sessions of a demo unless told otherwise.
    static let liveSessions = 5_000
    /// The seed of a demo unless told otherwise; not the one that the model was trained on.
    static let liveSeed: UInt64 = 7

    init(arguments: [String]) throws(CommandError) {
        guard let verb = arguments.first else { throw .noCommand }
        let rest = Array(arguments.dropFirst())
        switch verb {
        case "export":
            let options = try Options(rest, named: [])
            self = .export(sessions: options.sessions ?? 50_000, seed: options.seed ?? 1)
        case "live":
            let options = try Options(rest, named: ["--server"])
            self = .live(
                server: options.texts["--server"] ?? "127.0.0.1:6750",
                sessions: options.sessions ?? Self.liveSessions,
                seed: options.seed ?? Self.liveSeed)
        case "run":
            let options = try Options(rest, named: ["--kassa", "--configuration"])
            self = .run(
                kassa: options.texts["--kassa"],
                configuration: options.texts["--configuration"] ?? "Sources/Demo/Configuration",
                sessions: options.sessions ?? Self.liveSessions,
                seed: options.seed ?? Self.liveSeed)
        default: throw .unknownCommand(verb)
        }
    }

    /// The options behind a verb.
    private struct Options {
        var sessions: Int?
        var seed: UInt64?
        /// The options that only some verbs have.
        var texts: [String: String] = [:]

        init(_ arguments: [String], named names: [String]) throws(CommandError) {
            var rest = arguments[...]
            while let option = rest.popFirst() {
                guard (["--sessions", "--seed"] + names).contains(option) else {
                    throw .unknownOption(option)
                }
                guard let text = rest.popFirst() else { throw .noValue(option: option) }
                if option == "--seed" {
                    guard let value = UInt64(text) else {
                        throw .badValue(option: option, expected: "a whole number")
                    }
                    seed = value
                } else if option == "--sessions" {
                    guard let value = Int(text), 1...DemoCommand.sessionLimit ~= value else {
                        throw .badValue(
                            option: option, expected: "1 to \(DemoCommand.sessionLimit)")
                    }
                    sessions = value
                } else {
                    texts[option] = text
                }
            }
        }
    }

    func run() throws(CommandError) {
        switch self {
        case .export(let sessions, let seed): export(sessions, seed)
        case .live(let server, let sessions, let seed): try live(server, sessions, seed)
        case .run(let kassa, let configuration, let sessions, let seed):
            let demo = DemoRun(
                program: kassa ?? Self.neighbour("kassa"), configuration: configuration,
                sessions: sessions, seed: seed, ink: .ofTerminal())
            try demo.run()
        }
    }

    private func export(_ sessions: Int, _ seed: UInt64) {
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

    private func live(_ server: String, _ sessions: Int, _ seed: UInt64) throws(CommandError) {
        let ink = Ink.ofTerminal()
        let client: Client
        do throws(ClientError) {
            client = try Client(server: server)
        } catch {
            throw .failed("\(error)")
        }
        var driver = LiveDriver(client: client, sessions: sessions, seed: seed, ink: ink)
        let summary = try driver.run()
        summary.rendered(ink).forEach { print($0) }
        let complaints = Verdict.complaints(about: summary)
        guard complaints.isEmpty else { throw .failed(complaints.joined(separator: "; ")) }
    }

    /// The program `name` in the folder of this one.
    private static func neighbour(_ name: String) -> String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        // Safe: readlink writes at most the room that it is told of.
        let count = unsafe readlink("/proc/self/exe", &path, path.count)
        let text = String(
            decoding: path.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.lastIndex(of: "/").map { text[...$0] + name } ?? name
    }
}
