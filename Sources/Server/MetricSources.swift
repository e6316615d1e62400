// SPDX-License-Identifier: Apache-2.0

internal import Engine
internal import Metrics
internal import Transport

/// What one event loop counts.
struct LoopSource: MetricSource {
    private let handle: LoopHandle
    private let label: [String]

    init(_ handle: LoopHandle, index: Int) {
        self.handle = handle
        label = ["\(index)"]
    }

    private static func counter(_ name: String, _ help: String) -> MetricFamily {
        MetricFamily(.counter, name, help: help, labels: ["loop"])
    }

    private static let turns = counter("kassa_loop_turns_total", "Turns of the event loop.")
    private static let busy = counter(
        "kassa_loop_busy_seconds_total", "Time in these turns, without polling and sleeping.")
    private static let received = counter(
        "kassa_loop_bytes_received_total", "Bytes read from connections.")
    private static let sent = counter(
        "kassa_loop_bytes_sent_total", "Bytes written to connections.")
    private static let accepted = counter(
        "kassa_loop_connections_accepted_total", "Connections accepted.")
    private static let refused = counter(
        "kassa_loop_connections_refused_total", "Connections closed at once for want of room.")
    private static let open = MetricFamily(
        .gauge, "kassa_loop_connections", help: "Connections open now.", labels: ["loop"])

    var families: [MetricFamily] {
        [Self.turns, Self.busy, Self.received, Self.sent, Self.accepted, Self.refused, Self.open]
    }

    func collect(into snapshot: inout MetricSnapshot) {
        snapshot.add(Self.turns, label, count: handle.turns)
        snapshot.add(Self.busy, label, number: Double(handle.busyNanoseconds) / 1e9)
        snapshot.add(Self.received, label, count: handle.bytesReceived)
        snapshot.add(Self.sent, label, count: handle.bytesSent)
        snapshot.add(Self.accepted, label, count: handle.accepted)
        snapshot.add(Self.refused, label, count: handle.refused)
        snapshot.add(Self.open, label, number: Double(handle.openConnections))
    }
}

/// Always 1: what runs is in the labels.
struct BuildSource: MetricSource {
    let version: String

    private static let family = MetricFamily(
        .gauge, "kassa_build_info", help: "What is running; always 1.", labels: ["version"])

    var families: [MetricFamily] { [Self.family] }

    func collect(into snapshot: inout MetricSnapshot) {
        snapshot.add(Self.family, [version], number: 1)
    }
}
