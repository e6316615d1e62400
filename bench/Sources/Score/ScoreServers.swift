// SPDX-License-Identifier: Apache-2.0

import Files
import Glibc
import Transport

/// Both servers of the bench, running on the server's core: ours, and nghttpd as the floor.
struct ScoreServers {
    /// Bytes of the file that nghttpd serves: about as many as a score's reply has.
    static let floorBytes = 100

    let folder: TemporaryFolder
    let kassa: ChildProcess
    let kassaPort: UInt16
    let floor: ChildProcess
    let floorPort: UInt16

    init(program: String) throws {
        folder = try TemporaryFolder()
        kassaPort = try Machine.freePort()
        kassa = try ChildProcess(
            [
                program, "serve", "--data", "\(folder.path)/data", "--listen",
                "127.0.0.1:\(kassaPort)", "--admin", "127.0.0.1:\(try Machine.freePort())",
                "--loops", "1",
            ], core: Machine.serverCore, log: "\(folder.path)/kassa.log")
        floorPort = try Machine.freePort()
        try Files.makeFolder("\(folder.path)/www")
        try Files.write(
            [UInt8](repeating: 0x78, count: Self.floorBytes).span, to: "\(folder.path)/www/reply")
        floor = try ChildProcess(
            ["nghttpd", "--no-tls", "-d", "\(folder.path)/www", "-n1", "\(floorPort)"],
            core: Machine.serverCore, log: "\(folder.path)/nghttpd.log")
        try waitUntilReady(kassa, kassaPort, "kassa.log")
        try waitUntilReady(floor, floorPort, "nghttpd.log")
    }

    /// Waits until the server accepts connections.
    private func waitUntilReady(_ process: ChildProcess, _ port: UInt16, _ log: String) throws {
        for _ in 0..<1_000 where process.isRunning {
            if (try? ControlClient(port: port)) != nil { return }
            usleep(10_000)
        }
        let text = readFile("\(folder.path)/\(log)") ?? ""
        throw BenchError("a server did not start; its log says: \(text)")
    }

    func stop() {
        kassa.stop()
        floor.stop()
    }
}
