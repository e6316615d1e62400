// SPDX-License-Identifier: Apache-2.0

import Base
import Transport

/// The metrics of a server at one moment, without those that have labels.
struct ServerMetrics {
    private var values: [String: Double] = [:]

    /// Fetches them from the admin port.
    init(adminPort: UInt16) throws {
        let socket = try ClientConnection(host: "127.0.0.1", port: adminPort)
        let request = "GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        try socket.send(Array(request.utf8).span)
        var buffer = ByteBuffer(capacity: 1 << 18)
        do throws(SocketError) {
            while true { try socket.receive(into: &buffer, timeoutMilliseconds: 10_000) }
        } catch {
            guard case .closed = error else { throw error }
        }
        let text = String(decoding: buffer.bytes.indices.map { buffer.bytes[$0] }, as: UTF8.self)
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: " ")
            if parts.count == 2 { values[String(parts[0])] = Double(parts[1]) }
        }
    }

    subscript(_ name: String) -> Double {
        get throws(BenchError) {
            guard let value = values[name] else { throw BenchError("the server has no \(name)") }
            return value
        }
    }

    /// Records of the average group that was committed from now until `later`.
    func group(until later: ServerMetrics) throws(BenchError) -> Double {
        let records = "kassa_store_records_total"
        let groups = "kassa_store_group_commits_total"
        let count = try later[groups] - self[groups]
        return try (later[records] - self[records]) / max(1, count)
    }
}
