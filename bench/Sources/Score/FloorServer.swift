// SPDX-License-Identifier: Apache-2.0

import Files

/// nghttpd with one thread on the server's core: what HTTP/2 costs when a reply is only looked up.
struct FloorServer {
    static let name = "nghttpd"
    /// About as many bytes as a score's reply has.
    static let replyBytes = 100
    static let path = "/reply"

    let process: ChildProcess
    let port: UInt16

    /// Starts it with its files in `folder`.
    init(folder: TemporaryFolder) throws {
        port = try Machine.freePort()
        let files = "\(folder.path)/www"
        try Files.makeFolder(files)
        try Files.write(
            [UInt8](repeating: 0x78, count: Self.replyBytes).span, to: files + Self.path)
        let log = "\(folder.path)/nghttpd.log"
        process = try ChildProcess(
            ["nghttpd", "--no-tls", "-d", files, "-n1", "\(port)"], core: Machine.serverCore,
            log: log)
        try waitUntilReady(process, port: port, log: log)
    }
}
