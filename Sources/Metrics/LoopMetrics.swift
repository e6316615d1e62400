// SPDX-License-Identifier: Apache-2.0

/// What one event loop counts about its own work.
package final class LoopMetrics: MetricSource {
    @usableFromInline enum Cell {
        @inlinable static var turns: Int { 0 }
        @inlinable static var connections: Int { 1 }
        @inlinable static var accepted: Int { 2 }
        @inlinable static var bytesReceived: Int { 3 }
        @inlinable static var bytesSent: Int { 4 }
    }

    @usableFromInline let cells = Cells(count: 5)
    private let label: String

    /// Metrics of the loop with this number.
    package init(loop: Int) {
        label = String(loop)
    }

    /// Counts a turn of the loop.
    @inlinable package func turned() { cells.add(1, at: Cell.turns) }

    /// Counts an accepted connection.
    @inlinable package func accepted() { cells.add(1, at: Cell.accepted) }

    /// Sets the number of open connections.
    @inlinable package func setConnections(_ count: Int) {
        cells.set(UInt64(clamping: count), at: Cell.connections)
    }

    /// Counts bytes read from sockets.
    @inlinable package func received(byteCount: Int) {
        cells.add(UInt64(clamping: byteCount), at: Cell.bytesReceived)
    }

    /// Counts bytes written to sockets.
    @inlinable package func sent(byteCount: Int) {
        cells.add(UInt64(clamping: byteCount), at: Cell.bytesSent)
    }

    private static let declared: [(family: MetricFamily, cell: Int)] = [
        (counter("kassa_loop_turns_total", "Turns of the event loop."), Cell.turns),
        (
            MetricFamily(
                .gauge, "kassa_loop_connections", help: "Open connections.", labels: ["loop"]),
            Cell.connections
        ),
        (counter("kassa_loop_accepted_total", "Connections accepted."), Cell.accepted),
        (
            counter("kassa_loop_bytes_received_total", "Bytes read from sockets."),
            Cell.bytesReceived
        ),
        (counter("kassa_loop_bytes_sent_total", "Bytes written to sockets."), Cell.bytesSent),
    ]

    private static func counter(_ name: String, _ help: String) -> MetricFamily {
        MetricFamily(.counter, name, help: help, labels: ["loop"])
    }

    package var families: [MetricFamily] { Self.declared.map(\.family) }

    package func collect(into snapshot: inout MetricSnapshot) {
        for (family, cell) in Self.declared {
            snapshot.add(family, [label], count: cells.value(at: cell))
        }
    }
}
