// SPDX-License-Identifier: Apache-2.0

import API
import Base
import CLinux
import GRPC
import Glibc
import Metrics
import Transport
import Wire

/// Loads a server from one thread over many connections, and measures its answers.
///
/// A closed loop keeps every stream busy and shows throughput; an open loop sends on schedule and
/// counts from the schedule, so that a stall of the server is felt by every request that was due
/// meanwhile (no coordinated omission).
struct LoadGenerator: ~Copyable {
    private struct CPUTimes {
        var server: Double?
        var client: Double?
    }

    /// How long calls in flight may take once the measured time is over.
    static let drainNanosecondsMax: UInt64 = 5_000_000_000

    private let plan: LoadPlan
    private let connections: [LoadConnection]
    private let epoll: Int32
    private var isClosedLoop = true
    private var buffer = ByteBuffer(capacity: LoadConnection.receivedBytesMax)
    private var generator: SeededGenerator
    private let latencies = Histogram()
    private var statuses = [Int](repeating: 0, count: Status.allCases.count)
    private var completed = 0
    private var inFlight = 0
    private var rows = 0
    private var refusedRows = 0
    private var measureStart = MonotonicTime.distantFuture
    private var measureEnd = MonotonicTime.distantFuture

    /// Connects.
    init(_ plan: LoadPlan) throws(SocketError) {
        self.plan = plan
        generator = SeededGenerator(seed: plan.seed)
        let memory = SessionMemory()
        var connections: [LoadConnection] = []
        for _ in 0..<plan.connections {
            connections.append(try LoadConnection(plan, memory: memory))
        }
        self.connections = connections
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        for (index, connection) in connections.enumerated() {
            _ = kassa_epoll_control(
                epoll, EPOLL_CTL_ADD, connection.descriptor, EPOLLIN.rawValue, UInt64(index))
        }
    }

    deinit {
        close(epoll)
    }

    /// Runs the plan with random requests of `requests`.
    mutating func run(_ requests: borrowing RequestTable) throws(SocketError) -> LoadResult {
        let start = MonotonicTime.now()
        measureStart = start.advanced(byNanoseconds: UInt64(plan.warmUpSeconds * 1e9))
        measureEnd = measureStart.advanced(byNanoseconds: UInt64(plan.seconds * 1e9))
        let giveUp = measureEnd.advanced(byNanoseconds: Self.drainNanosecondsMax)

        var due = start
        var interval: UInt64 = 0
        if case .openLoop(let perSecond) = plan.arrival {
            isClosedLoop = false
            interval = 1_000_000_000 / UInt64(max(1, perSecond))
        } else {
            for connection in connections {
                for _ in 0..<plan.streams { try submit(requests, connection, start) }
                try connection.flush(by: &buffer)
            }
        }

        var turn = 0
        var cpuAtStart: CPUTimes?
        var cpuAtEnd: CPUTimes?
        while true {
            let now = MonotonicTime.now()
            if cpuAtStart == nil, now >= measureStart { cpuAtStart = cpuTimes() }
            if now >= measureEnd {
                if cpuAtEnd == nil { cpuAtEnd = cpuTimes() }
                if inFlight == 0 || now >= giveUp { break }
            }
            if !isClosedLoop {
                while due <= now, due < measureEnd {
                    let connection = connections[turn]
                    turn = turn + 1 == connections.count ? 0 : turn + 1
                    try submit(requests, connection, due)
                    try connection.flush(by: &buffer)
                    due = due.advanced(byNanoseconds: interval)
                }
            }
            let wake = isClosedLoop || due >= measureEnd ? measureEnd : due
            try wait(requests, until: plan.spins ? now : wake, now: now)
        }
        return LoadResult(
            latencies: latencies, completed: completed, seconds: plan.seconds, statuses: statuses,
            rows: rows, refusedRows: refusedRows, unanswered: inFlight,
            serverSeconds: difference(cpuAtEnd?.server, cpuAtStart?.server),
            clientSeconds: difference(cpuAtEnd?.client, cpuAtStart?.client))
    }

    private func cpuTimes() -> CPUTimes {
        CPUTimes(
            server: plan.serverProcess.flatMap { processSeconds($0) },
            client: processSeconds(getpid()))
    }

    private mutating func submit(
        _ requests: borrowing RequestTable, _ connection: LoadConnection, _ start: MonotonicTime
    ) throws(SocketError) {
        // The high half of a product: uniform enough, and no division.
        let index = generator.next().multipliedFullWidth(by: UInt64(requests.count)).high
        guard connection.submit(requests[Int(index)], start: start) else { throw .closed }
        inFlight += 1
    }

    /// Handles what arrives, and waits for it until `wake` or a little longer.
    private mutating func wait(
        _ requests: borrowing RequestTable, until wake: MonotonicTime, now: MonotonicTime
    ) throws(SocketError) {
        // After the measured time every call is awaited, in steps.
        let nanoseconds =
            now >= measureEnd && !plan.spins ? 10_000_000 : wake.nanoseconds(since: now)
        var timeout = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        // A few at a time: the rest is reported by the next wait.
        try unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) {
            events throws(SocketError) in
            let count = unsafe epoll_pwait2(epoll, events.baseAddress, 64, &timeout, nil)
            for index in 0..<max(0, Int(count)) {
                let tag = unsafe kassa_epoll_tag(events.baseAddress! + index)
                try take(requests, connections[Int(tag)])
            }
        }
    }

    private mutating func take(
        _ requests: borrowing RequestTable, _ connection: LoadConnection
    ) throws(SocketError) {
        guard try connection.receive(by: &buffer) else { return }
        let now = MonotonicTime.now()
        let isMeasured = now >= measureStart && now < measureEnd
        let sendsMore = isClosedLoop && now < measureEnd
        while let event = connection.session.nextEvent() {
            guard case .finished(let call) = event else {
                if case .message(let call) = event, plan.countsRows { count(call, isMeasured) }
                continue
            }
            inFlight -= 1
            statuses[Int(call.status.rawValue)] += 1
            let start = call.startedAt
            if start >= measureStart, start < measureEnd {
                latencies.record(nanoseconds: now.nanoseconds(since: start))
            }
            if isMeasured { completed += 1 }
            if sendsMore { try submit(requests, connection, now) }
        }
        try connection.flush(by: &buffer)
    }

    /// Counts the rows of a write's reply.
    private mutating func count(_ call: ClientCall, _ isMeasured: Bool) {
        guard let reply = try? KassaV1.WriteResponse(decoding: call.message) else {
            refusedRows += 1
            return
        }
        refusedRows += reply.errors.count
        if isMeasured { rows += Int(reply.applied) }
    }
}

private func difference(_ end: Double?, _ start: Double?) -> Double? {
    end.flatMap { end in start.map { end - $0 } }
}
