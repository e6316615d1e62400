// SPDX-License-Identifier: Apache-2.0

import GRPC
import Metrics

/// What a load measured.
struct LoadResult {
    /// Latencies of the requests that were due within the measured time, in nanoseconds.
    let latencies: Histogram
    /// Requests answered within the measured time.
    let completed: Int
    /// The measured time.
    let seconds: Double
    /// How many calls, warm-up included, ended with each gRPC status.
    let statuses: [Int]
    /// Rows that were applied within the measured time, if replies are those of writes.
    var rows = 0
    /// Rows that were refused, warm-up included.
    var refusedRows = 0
    /// Calls that never ended.
    let unanswered: Int
    /// CPU time that the server spent within the measured time, if it was counted.
    let serverSeconds: Double?
    /// CPU time that the client spent meanwhile.
    let clientSeconds: Double?

    var perSecond: Double { Double(completed) / seconds }
    var rowsPerSecond: Double { Double(rows) / seconds }

    /// CPU microseconds of the server for one request.
    var serverMicroseconds: Double? {
        serverSeconds.map { $0 * 1e6 / Double(max(1, completed)) }
    }

    /// CPU microseconds of the client for one request: what limits the load when it is the larger.
    var clientMicroseconds: Double? {
        clientSeconds.map { $0 * 1e6 / Double(max(1, completed)) }
    }

    func microseconds(_ quantile: Double) -> Double {
        Double(latencies.quantile(quantile)) / 1_000
    }

    /// What went wrong, or nil if every call was answered with status 0.
    var failure: String? {
        var words = statuses.indices.dropFirst().filter { statuses[$0] > 0 }.map { code in
            let name = Status(rawValue: UInt8(code)).map { "\($0)" } ?? "\(code)"
            return "\(statuses[code]) \(name)"
        }
        if refusedRows > 0 { words.append("\(refusedRows) rows refused") }
        if unanswered > 0 { words.append("\(unanswered) unanswered") }
        if statuses[0] == 0 { words.append("nothing was answered") }
        return words.isEmpty ? nil : words.joined(separator: ", ")
    }
}
