// SPDX-License-Identifier: Apache-2.0

/// One way to load both servers, and what is reported of it.
struct LoadCase {
    var name: String
    var connections = 1
    var streams = 1
    var arrival = LoadPlan.Arrival.closedLoop
    var spins = false
    /// Report latencies; otherwise throughput.
    var isLatency = false

    /// The cases of the Score bench.
    static let all: [LoadCase] =
        [
            LoadCase(name: "unloaded, client sleeps", isLatency: true),
            LoadCase(name: "unloaded, client spins", spins: true, isLatency: true),
            LoadCase(
                name: "open loop 10k/s, 4 connections", connections: 4,
                arrival: .openLoop(perSecond: 10_000), spins: true, isLatency: true),
        ]
        + [1, 4, 16].flatMap { connections in
            [1, 10, 100].map { streams in
                LoadCase(
                    name: "closed loop, c\(connections) m\(streams)", connections: connections,
                    streams: streams)
            }
        }

    /// The values of one measurement, by the metrics that are reported.
    func values(_ result: LoadResult) -> [(metric: String, unit: String, Row.Better, Double)] {
        var values: [(metric: String, unit: String, Row.Better, Double)] = []
        if !isLatency { values.append(("throughput", "req/s", .higher, result.perSecond)) }
        values.append(("p50", "us", .lower, result.microseconds(0.5)))
        if isLatency { values.append(("p90", "us", .lower, result.microseconds(0.9))) }
        values.append(("p99", "us", .lower, result.microseconds(0.99)))
        if isLatency {
            values.append(("p99.9", "us", .lower, result.microseconds(0.999)))
            values.append(("max", "us", .lower, result.microseconds(1)))
        }
        if let cpu = result.serverMicroseconds {
            values.append(("server CPU", "us/req", .lower, cpu))
        }
        return values
    }
}
