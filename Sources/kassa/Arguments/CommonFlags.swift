// SPDX-License-Identifier: Apache-2.0

internal import Client
internal import Glibc

/// Where a server listens unless told otherwise.
let defaultServer = "127.0.0.1:6750"

let serverFlag = Flag(
    name: "--server", short: "-s", value: "HOST:PORT",
    help: "The server; else $KASSA_SERVER, else \(defaultServer).")
let timeoutFlag = Flag(
    name: "--timeout", value: "DURATION", help: "How long to wait for an answer; 10s by default.")
let jsonFlag = Flag(name: "--json", help: "Print JSON for programs, on one line.")
let entityFlag = Flag(
    name: "--entity", short: "-e", value: "KIND=ID",
    help: "An entity, such as session=s-81; once per kind.", isRepeatable: true)

/// The flags of every command that asks a server.
let serverFlags = [serverFlag, timeoutFlag, jsonFlag]

extension Arguments {
    /// Connects to the server that the flags or the environment name.
    func connect(timeoutMilliseconds: Int = 10_000) throws(CommandError) -> Client {
        let timeout = try milliseconds(timeoutFlag.name) ?? timeoutMilliseconds
        var server = value(serverFlag.name)
        // Safe: the environment does not change in this process; the text is copied.
        if server == nil, let text = unsafe getenv("KASSA_SERVER") {
            server = unsafe String(cString: text)
        }
        let address = server ?? defaultServer
        return try asking { () throws(ClientError) in
            try Client(server: address, timeoutMilliseconds: timeout)
        }
    }
}

/// Runs `body`, whose failure becomes the command's.
func asking<Answer: ~Copyable>(
    _ body: () throws(ClientError) -> Answer
) throws(CommandError) -> Answer {
    do throws(ClientError) {
        return try body()
    } catch {
        switch error {
        case .badAddress: throw .usage("\(error)")
        case .unreachable, .lost, .timedOut: throw .unreachable("\(error)")
        case .status, .malformedReply: throw .failed("\(error)")
        }
    }
}
