// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Transport

/// What the server's admin port says at `/metrics`, as of one moment.
struct MetricsPage {
    private let lines: [Substring]

    init(text: String) {
        lines = text.split(separator: "\n")
    }

    /// Asks the server at `address`, "127.0.0.1:6751".
    init(of address: String) throws(CommandError) {
        let parts = address.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]) else {
            throw .failed("\(address) is no address of an admin port")
        }
        var reply = ByteBuffer(capacity: 64 << 10)
        do throws(SocketError) {
            let connection = try ClientConnection(
                host: String(parts[0]), port: port, timeoutMilliseconds: 5_000)
            let request = Array(
                "GET /metrics HTTP/1.1\r\nHost: \(address)\r\nConnection: close\r\n\r\n".utf8)
            try connection.send(request.span)
            while true { try connection.receive(into: &reply, timeoutMilliseconds: 5_000) }
        } catch {
            // The end of the stream is the end of the page.
            guard error == .closed else { throw .failed("\(address)/metrics: \(error)") }
        }
        let bytes = reply.bytes
        self.init(text: String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self))
    }

    /// The value of a series as it is written: `name{label="value"}`; nil if there is none.
    func value(of series: String) -> Double? {
        lines.first { $0.hasPrefix("\(series) ") }.flatMap {
            Double($0.dropFirst(series.count + 1))
        }
    }

    /// The mean of what a histogram has counted; nil if that is nothing.
    func mean(of histogram: String, labels: String) -> Double? {
        guard let sum = value(of: "\(histogram)_sum{\(labels)}"),
            let count = value(of: "\(histogram)_count{\(labels)}"), count > 0
        else { return nil }
        return sum / count
    }
}
