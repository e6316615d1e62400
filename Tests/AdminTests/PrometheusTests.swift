// SPDX-License-Identifier: Apache-2.0

import Admin
import Foundation
import Testing

/// What a program gave: its exit status and everything it wrote.
private func run(_ program: String, _ arguments: [String], input: Data = Data()) throws -> (
    status: Int32, output: String
) {
    let process = Foundation.Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let stdin = Pipe()
    let output = Pipe()
    process.standardInput = stdin
    process.standardOutput = output
    process.standardError = output
    try process.run()
    try stdin.fileHandleForWriting.write(contentsOf: input)
    try stdin.fileHandleForWriting.close()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
}

struct `Prometheus` {
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/promtool")))
    func `has nothing to say against any family`() throws {
        let server = try Process().start()
        let scrape = try request(server.port, "GET /metrics")
        let verdict = try run(
            "/usr/bin/promtool", ["check", "metrics"], input: Data(scrape.body.utf8))
        #expect(verdict.output == "")
        #expect(verdict.status == 0)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/prometheus")))
    func `scrapes the port`() throws {
        let server = try Process().start()
        let script = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().appending(path: "../python/prometheus_scrape.py")
        let verdict = try run(
            "/usr/bin/python3",
            [
                script.path, "--port", String(server.port),
                #"kassa_rpc_requests_total{method="kassa.v1.Scoring/Score",code="OK"}=1"#,
                #"kassa_rpc_duration_seconds_bucket{method="kassa.v1.Scoring/Score",code="OK",le="0.0001"}=1"#,
                #"kassa_rpc_duration_seconds_bucket{method="kassa.v1.Scoring/Score",code="OK",le="7.5e-05"}=0"#,
                #"kassa_store_entries{table="rows"}=9"#,
                "process_open_fds>0",
            ])
        #expect(verdict.status == 0, "\(verdict.output)")
    }
}
