// SPDX-License-Identifier: Apache-2.0

import API
import Base
import GRPC
import Glibc
import Transport
import Wire

/// Writes through one `WriteStream` per connection, with a bounded number of answers outstanding.
struct StreamLoad: ~Copyable {
    static let path = "/kassa.v1.Features/WriteStream"

    let port: UInt16
    let connections: Int
    /// Writes of one stream that are not yet answered.
    let window: Int
    let warmUpSeconds: Double
    let seconds: Double
    let server: Int32

    /// One stream and its socket.
    private final class Stream {
        let connection: LoadConnection
        let call: CallID
        var open = 0
        var hasEnded = false

        init(port: UInt16, memory: SessionMemory) throws {
            connection = try LoadConnection(
                LoadPlan(port: port, call: .unary(path: StreamLoad.path)), memory: memory)
            let call = connection.session.open(connection.path, tag: 0, now: .now())
            guard let call else { throw BenchError("the connection takes no calls") }
            self.call = call
        }
    }

    /// What the server did within the measured time.
    struct Result {
        var rowsPerSecond: Double
        var serverMicrosecondsPerRow: Double
    }

    /// Writes `requests` in turn; an error if any was refused.
    func run(_ requests: borrowing RequestTable) throws -> Result {
        let memory = SessionMemory()
        let streams = try (0..<connections).map { _ in try Stream(port: port, memory: memory) }
        var buffer = ByteBuffer(capacity: LoadConnection.receivedBytesMax)
        var next = 0
        var rows = 0
        let measureStart = MonotonicTime.now().advanced(byNanoseconds: UInt64(warmUpSeconds * 1e9))
        let measureEnd = measureStart.advanced(byNanoseconds: UInt64(seconds * 1e9))
        let giveUp = measureEnd.advanced(byNanoseconds: LoadGenerator.drainNanosecondsMax)
        var cpu: (start: Double?, end: Double?)
        while streams.contains(where: { !$0.hasEnded }) {
            let now = MonotonicTime.now()
            if cpu.start == nil, now >= measureStart { cpu.start = processSeconds(server) }
            if cpu.end == nil, now >= measureEnd { cpu.end = processSeconds(server) }
            guard now < giveUp else { throw BenchError("WriteStream: answers are missing") }
            for stream in streams where !stream.hasEnded {
                if now >= measureEnd {
                    stream.connection.session.halfClose(stream.call)
                } else {
                    while stream.open < window {
                        stream.connection.session.send(stream.call, message: requests[next])
                        next = next + 1 == requests.count ? 0 : next + 1
                        stream.open += 1
                    }
                }
                try stream.connection.flush(by: &buffer)
            }
            wait(streams)
            for stream in streams where !stream.hasEnded {
                guard try stream.connection.receive(by: &buffer) else { continue }
                let applied = try take(stream)
                let now = MonotonicTime.now()
                if now >= measureStart, now < measureEnd { rows += applied }
            }
        }
        let used = (cpu.end ?? 0) - (cpu.start ?? 0)
        return Result(
            rowsPerSecond: Double(rows) / seconds,
            serverMicrosecondsPerRow: used * 1e6 / Double(max(1, rows)))
    }

    /// Takes the answers that have arrived, and says how many rows they report.
    private func take(_ stream: Stream) throws -> Int {
        var rows = 0
        while let event = stream.connection.session.nextEvent() {
            switch event {
            case .message(let call):
                let reply = try KassaV1.WriteResponse(decoding: call.message)
                if let refusal = reply.refusal {
                    throw BenchError("WriteStream: \(refusal.message)")
                }
                guard reply.errors.isEmpty else { throw BenchError("WriteStream: rows refused") }
                rows += Int(reply.applied)
                stream.open -= 1
            case .finished(let call):
                guard call.status == .ok, stream.open == 0 else {
                    throw BenchError("WriteStream: \(call.status), \(stream.open) unanswered")
                }
                stream.hasEnded = true
            }
        }
        return rows
    }

    /// Waits until any stream has something to read, or a little.
    private func wait(_ streams: [Stream]) {
        var polls = streams.filter { !$0.hasEnded }.map {
            pollfd(fd: $0.connection.descriptor, events: Int16(POLLIN), revents: 0)
        }
        // Safe: the array lives during the call, which is told its length.
        _ = unsafe poll(&polls, nfds_t(polls.count), 10)
    }
}
