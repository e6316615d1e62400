// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Client
internal import Glibc
internal import Simulator

/// The whole demo: starts a server, sets it up with the real command line, lets the shop open, judges
/// the scores by what the visitors did, and then replaces the model: once well and once badly.
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
        let kassa = KassaProgram(path: program, ink: ink)
        let arguments = [
            "serve", "--data", folder.path, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
            "--alarm-log", "text",
        ]
        kassa.announce(arguments)
        var server = try ChildProcess(program, arguments, output: .pipe)
        let (address, admin) = try addresses(announcedBy: &server)
        // The commands find the server in their environment.
        unsafe setenv("KASSA_SERVER", address, 1)
        // And how wide what they print may be.
        unsafe setenv("COLUMNS", "\(Text.narrowColumns)", 1)
        for words in [
            ["apply", "-f", "\(configuration)/checkout.yaml", "--reason", "a demo"],
            ["model", "upload", "\(configuration)/abandonment.model.yaml"],
            ["apply", "-f", "\(configuration)/scorer.yaml"],
            ["list"],
        ] {
            try kassa.run(words)
        }
        let summary = try live(address, kassa)
        print("")
        summary.rendered(ink).forEach { print($0) }
        let complaints = Verdict.complaints(about: summary)
        guard complaints.isEmpty else { throw .failed(complaints.joined(separator: "; ")) }
        let story = Story(
            kassa: kassa, client: try client(of: address), admin: admin,
            configuration: configuration,
            seed: seed, ink: ink)
        try story.run()
        print("")
        print(ink.paint("$ kill -TERM", .strong))
        server.terminate()
        while let line = server.nextLine() { print(line) }
        let code = server.wait()
        guard code == 0 else { throw .failed("the server ended with exit code \(code)") }
        let seconds = Double(MonotonicTime.now().nanoseconds(since: start)) / 1e9
        print(ink.paint("  good, in \(Text.fixed(seconds, digits: 1)) s", .calm))
    }

    private func live(
        _ address: String, _ kassa: KassaProgram
    ) throws(CommandError) -> Summary {
        print("")
        print(
            ink.paint(
                "The shop opens: \(Text.count(sessions)) visitors (seed \(seed)), the scores of some:",
                .strong))
        var driver = LiveDriver(
            client: try client(of: address), sessions: sessions, seed: seed, ink: ink)
        let summary = try driver.run()
        if let example = driver.example, let customer = example.shopper.customer {
            print("")
            print(ink.paint("One of them, as the model saw them last:", .strong))
            try kassa.run([
                "score", ShopRequests.scorer, "-e", "session=\(example.sessionID)",
                "-e", "customer=\(customer.id)", "--features",
            ])
        }
        return summary
    }

    private func client(of address: String) throws(CommandError) -> Client {
        do throws(ClientError) {
            return try Client(server: address)
        } catch {
            throw .failed("\(error)")
        }
    }

    /// Waits until the server says where it listens, and where its admin port is.
    private func addresses(
        announcedBy server: inout ChildProcess
    ) throws(CommandError) -> (server: String, admin: String) {
        let (start, adminStart) = ("listening on ", "admin on http://")
        var address: String?
        while let line = server.nextLine() {
            print(line)
            if line.hasPrefix(start) { address = String(line.dropFirst(start.count)) }
            if let address, line.hasPrefix(adminStart) {
                return (address, String(line.dropFirst(adminStart.count)))
            }
        }
        throw .failed("the server has not started; exit code \(server.wait())")
    }
}
