// SPDX-License-Identifier: Apache-2.0

import Glibc
import Transport

/// `kassa serve` with one loop on the server's core and a data folder that goes with it.
struct KassaServer {
    let folder: TemporaryFolder
    let process: ChildProcess
    /// The program that runs.
    let program: String
    let port: UInt16
    let adminPort: UInt16

    /// Starts `program`, or the one beside this program, with `environment` (`NAME=value`) added.
    init(program: String?, environment: [String] = []) throws {
        let program = try program ?? programBeside("kassa")
        self.program = program
        folder = try TemporaryFolder()
        port = try Machine.freePort()
        adminPort = try Machine.freePort()
        let words = [
            program, "serve", "--data", "\(folder.path)/data", "--listen", "127.0.0.1:\(port)",
            "--admin", "127.0.0.1:\(adminPort)", "--loops", "1",
            // Background passes belong to no measurement.
            "--sweep-seconds", "0", "--scrub-hours", "0",
        ]
        let log = "\(folder.path)/kassa.log"
        process = try ChildProcess(
            environment.isEmpty ? words : ["env"] + environment + words, core: Machine.serverCore,
            log: log)
        try waitUntilReady(process, port: port, log: log)
    }

    func access(_ client: ControlClient) -> ServerAccess {
        ServerAccess(client: client, port: port, program: program)
    }
}

/// The path of a program that was built beside this one.
func programBeside(_ name: String) throws(BenchError) -> String {
    // Safe: readlink writes at most the room that it is given.
    let path = unsafe [UInt8](unsafeUninitializedCapacity: 4_096) { buffer, count in
        count = unsafe buffer.withMemoryRebound(to: CChar.self) { buffer in
            max(0, unsafe readlink("/proc/self/exe", buffer.baseAddress!, buffer.count))
        }
    }
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else {
        throw BenchError("no folder of this program")
    }
    return String(decoding: path[...slash], as: UTF8.self) + name
}

/// Waits until the server accepts connections.
func waitUntilReady(_ process: ChildProcess, port: UInt16, log: String) throws(BenchError) {
    for _ in 0..<100 where process.isRunning {
        if (try? connect(port: port, seconds: 0.1)) != nil { return }
    }
    throw BenchError("a server did not start; its log says: \(readFile(log) ?? "")")
}

/// Connects to a server that may just be starting.
func connect(port: UInt16, seconds: Double) throws(SocketError) -> ControlClient {
    for _ in 0..<Int(seconds * 100) {
        if let client = try? ControlClient(port: port) { return client }
        usleep(10_000)
    }
    return try ControlClient(port: port)
}
