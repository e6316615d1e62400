// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Client
internal import Glibc
internal import Simulator

/// The whole demo: starts a server, sets it up with the real command line, lets the shop open, and
/// judges the scores by what the visitors did.
struct DemoRun {
    /// The `kassa` binary.
    let program: String
    /// The folder of the shop's documents and model.
    let configuration: String
    let sessions: Int
    let seed: UInt64
    let ink: Ink

    func run() throws(CommandError) {
        let start = MonotonicTime.now()
        // An interrupt from the terminal reaches the server as well, which drains: the next call
        // fails, and what was begun is cleaned up on the way out. Children do not inherit this.
        _ = signal(SIGINT) { _ in }
        let folder = try TemporaryFolder(named: "kassa-demo")
        let arguments = [
            "serve", "--data", folder.path, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
        ]
        announce(arguments)
        var server = try ChildProcess(program, arguments, output: .pipe)
        let address = try address(announcedBy: &server)
        // The commands find the server in their environment.
        unsafe setenv("KASSA_SERVER", address, 1)
        for words in [
            ["apply", "-f", "\(configuration)/checkout.yaml", "--reason", "a demo"],
            ["model", "upload", "\(configuration)/abandonment.model.yaml"],
            ["apply", "-f", "\(configuration)/scorer.yaml"],
            ["list"],
        ] {
            try command(words)
        }
        let summary = try live(address)
        print("")
        print(ink.paint("$ kill -TERM", .strong))
        server.terminate()
        while let line = server.nextLine() { print(line) }
        let code = server.wait()
        print("")
        summary.rendered(ink).forEach { print($0) }
        var complaints = Verdict.complaints(about: summary)
        if code != 0 { complaints.append("the server ended with exit code \(code)") }
        guard complaints.isEmpty else { throw .failed(complaints.joined(separator: "; ")) }
        let seconds = Double(MonotonicTime.now().nanoseconds(since: start)) / 1e9
        print(ink.paint("  good, in \(Text.fixed(seconds, digits: 1)) s", .calm))
    }

    private func live(_ address: String) throws(CommandError) -> Summary {
        print("")
        print(
            ink.paint(
                "The shop opens: \(Text.count(sessions)) visitors (seed \(seed)), the scores of some:",
                .strong))
        let client: Client
        do throws(ClientError) {
            client = try Client(server: address)
        } catch {
            throw .failed("\(error)")
        }
        var driver = LiveDriver(client: client, sessions: sessions, seed: seed, ink: ink)
        let summary = try driver.run()
        if let example = driver.example, let customer = example.shopper.customer {
            print("")
            print(ink.paint("One of them, as the model saw them last:", .strong))
            try command([
                "score", ShopRequests.scorer, "-e", "session=\(example.sessionID)",
                "-e", "customer=\(customer.id)", "--features",
            ])
        }
        return summary
    }

    /// Runs `kassa` with `words`, showing both.
    private func command(_ words: [String]) throws(CommandError) {
        print("")
        announce(words)
        var child = try ChildProcess(program, words, output: .shared)
        let code = child.wait()
        guard code == 0 else {
            throw .failed("kassa \(words.joined(separator: " ")) ended with exit code \(code)")
        }
    }

    private func announce(_ words: [String]) {
        let line = words.map { $0.contains(" ") ? "\"\($0)\"" : $0 }.joined(separator: " ")
        print(ink.paint("$ kassa \(line)", .strong))
    }

    /// Waits until the server says where it listens.
    private func address(announcedBy server: inout ChildProcess) throws(CommandError) -> String {
        let start = "listening on "
        var address: String?
        while let line = server.nextLine() {
            print(line)
            if line.hasPrefix(start) { address = String(line.dropFirst(start.count)) }
            if let address, line.hasPrefix("admin on ") { return address }
        }
        throw .failed("the server has not started; exit code \(server.wait())")
    }
}
