// SPDX-License-Identifier: Apache-2.0

import Files

/// nghttp2's own load generator, as a second opinion: the same request again and again.
struct H2Load {
    /// Streams on each of 16 connections, and how many requests per second a prototype of this
    /// server reached on the machine that the project began on.
    static let shapes: [(streams: Int, prototype: Double)] = [(1, 60e3), (10, 166e3), (100, 231e3)]
    static let connections = 16

    let log: String

    /// Whether the program is installed.
    static var isPresent: Bool {
        let log = "/dev/null"
        let child = try? ChildProcess(["h2load", "--version"], core: Machine.clientCore, log: log)
        return child?.waitForSuccess(seconds: 5) ?? false
    }

    /// Requests per second of `words` on top of the shape; an error if any request failed.
    func run(port: UInt16, path: String, streams: Int, requests: Int, body: String?)
        throws -> Double
    {
        var words = [
            "h2load", "-n", "\(requests)", "-c", "\(Self.connections)", "-m", "\(streams)",
        ]
        if let body {
            words += ["-d", body, "-H", "content-type: application/grpc", "-H", "te: trailers"]
        }
        words.append("http://127.0.0.1:\(port)\(path)")
        let child = try ChildProcess(words, core: Machine.clientCore, log: log)
        guard child.waitForSuccess(seconds: 300), let text = readFile(log) else {
            throw BenchError("h2load failed")
        }
        // "finished in 1.43s, 280421.14 req/s, 14.71MB/s"
        let finished = text.split(separator: "\n").first { $0.hasPrefix("finished in") }
        let rate = finished?.split(separator: " ").dropLast(2).last.flatMap { Double($0) }
        guard let rate, text.contains(" \(requests) succeeded, 0 failed, 0 errored, 0 timeout")
        else { throw BenchError("h2load: \(text)") }
        return rate
    }
}
