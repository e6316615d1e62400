// SPDX-License-Identifier: Apache-2.0

internal import GRPC
internal import Metrics

/// What the sessions of one loop count: calls, those that they answered themselves, and nghttp2's
/// allocations. Written by the loop, read by any thread.
final class SessionMetrics: MetricSource {
    /// What of a session's counters was added already.
    struct Seen {
        var started: UInt64 = 0
        var refused: UInt64 = 0
    }

    private enum Cell {
        static let started = 0
        static let refused = 1
        static let pooled = 2
        static let system = 3
    }

    private let cells = Cells(count: 4)
    private let loop: String

    init(loop: Int) {
        self.loop = "\(loop)"
    }

    /// Adds what a session counted since `seen`, and notes the loop's allocations.
    func count(_ session: ServerSession, since seen: Seen, _ memory: SessionMemory) -> Seen {
        cells.add(session.callsStarted &- seen.started, at: Cell.started)
        cells.add(session.callsRefused &- seen.refused, at: Cell.refused)
        cells.set(memory.pooledAllocations, at: Cell.pooled)
        cells.set(memory.systemAllocations, at: Cell.system)
        return Seen(started: session.callsStarted, refused: session.callsRefused)
    }

    private static let started = MetricFamily(
        .counter, "kassa_loop_calls_started_total", help: "Calls whose headers arrived.",
        labels: ["loop"])
    private static let refused = MetricFamily(
        .counter, "kassa_loop_calls_refused_total",
        help: "Calls that gRPC itself refused: unknown method, malformed framing, deadline.",
        labels: ["loop"])
    private static let allocations = MetricFamily(
        .counter, "kassa_loop_http2_allocations_total",
        help: "Allocations of nghttp2, by what served them.", labels: ["loop", "source"])

    var families: [MetricFamily] { [Self.started, Self.refused, Self.allocations] }

    func collect(into snapshot: inout MetricSnapshot) {
        snapshot.add(Self.started, [loop], count: cells.value(at: Cell.started))
        snapshot.add(Self.refused, [loop], count: cells.value(at: Cell.refused))
        snapshot.add(Self.allocations, [loop, "pool"], count: cells.value(at: Cell.pooled))
        snapshot.add(Self.allocations, [loop, "malloc"], count: cells.value(at: Cell.system))
    }
}
