// SPDX-License-Identifier: Apache-2.0

import Base
import CLinux
import Glibc
import Synchronization
import Testing

@testable import Transport

/// Echoes bytes, closes after `q`, and greets when ticked.
final class LineSession: ByteSession {
    var pending = ByteBuffer(capacity: 64)
    var isClosing = false
    var deadline = MonotonicTime.distantFuture
    let closedCount: Counter

    init(_ closedCount: Counter) { self.closedCount = closedCount }

    func receive(_ bytes: Span<UInt8>, now: MonotonicTime) {
        pending.append(bytes)
        for index in bytes.indices {
            if bytes[index] == UInt8(ascii: "q") { isClosing = true }
            if bytes[index] == UInt8(ascii: "t") {
                deadline = now.advanced(byNanoseconds: 20_000_000)
            }
        }
    }

    var wantsProduce: Bool { pending.count > 0 }

    func produce(into buffer: inout ByteBuffer, now: MonotonicTime) {
        buffer.append(pending.bytes)
        pending.removeAll()
    }

    var wantsClose: Bool { isClosing && pending.count == 0 }
    var nextDeadline: MonotonicTime { deadline }

    func tick(now: MonotonicTime) {
        deadline = .distantFuture
        pending.append(UInt8(ascii: "!"))
    }

    func drain(now: MonotonicTime) { isClosing = true }

    func closed() { closedCount.value.add(1, ordering: .relaxed) }
}

final class Counter: Sendable {
    let value = Atomic(0)
}

/// A loop on a thread of its own, stopped at the end of its life.
final class RunningLoop: Sendable {
    let port: UInt16
    let handle: LoopHandle
    let mailbox: Mailbox<ConnectionID>
    let closedCount = Counter()
    let sharedIds = Ids()
    private let isDone = Atomic(false)

    init(_ configure: (inout LoopConfiguration) -> Void = { _ in }) throws {
        var configuration = LoopConfiguration()
        configure(&configuration)
        let closedCount = closedCount
        let ids = sharedIds
        let loop = try EventLoop(configuration) { id in
            ids.all.withLock { $0.append(id) }
            return LineSession(closedCount)
        }
        port = loop.port
        handle = loop.handle
        mailbox = loop.mailbox(capacity: 4) { [unowned loop] id in
            (loop.session(id) as? LineSession)?.pending.append(UInt8(ascii: "m"))
            loop.markDirty(id)
        }
        start(loop)
    }

    final class Ids: Sendable {
        let all = Mutex<[ConnectionID]>([])
    }

    private func start(_ loop: EventLoop) {
        nonisolated(unsafe) let loop = loop
        startThread { [self] in
            unsafe loop.run()
            isDone.store(true, ordering: .sequentiallyConsistent)
        }
    }

    /// Whether `run` returns within two seconds.
    func ends() -> Bool {
        for _ in 0..<30_000 {
            if isDone.load(ordering: .sequentiallyConsistent) { return true }
            usleep(1_000)
        }
        return false
    }

    func connect() throws -> ClientConnection {
        try ClientConnection(host: "127.0.0.1", port: port)
    }
}

final class Work {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
}

@discardableResult
func startThread(_ body: @escaping () -> Void) -> pthread_t {
    var thread = pthread_t()
    unsafe pthread_create(
        &thread, nil,
        { pointer in
            unsafe Unmanaged<Work>.fromOpaque(pointer!).takeRetainedValue().body()
            return nil
        }, Unmanaged.passRetained(Work(body)).toOpaque())
    return thread
}

/// Receives `count` bytes or fails after half a minute.
func receive(_ count: Int, from connection: borrowing ClientConnection) throws -> [UInt8] {
    var buffer = ByteBuffer(capacity: 1_024)
    while buffer.count < count {
        try connection.receive(into: &buffer, timeoutMilliseconds: 30_000)
    }
    let bytes = buffer.bytes
    return bytes.indices.map { bytes[$0] }
}

@Suite struct TransportTests {
    @Test func `bytes come back`() throws {
        let loop = try RunningLoop()
        let connection = try loop.connect()
        try connection.send(Array("hello".utf8).span)
        #expect(try receive(5, from: connection) == Array("hello".utf8))
        #expect(loop.handle.bytesReceived == 5)
        #expect(loop.handle.accepted == 1)
        loop.handle.stop()
        #expect(loop.ends())
        #expect(loop.closedCount.value.load(ordering: .relaxed) == 1)
    }

    @Test func `a session that wants to close is heard to the end`() throws {
        let loop = try RunningLoop()
        let connection = try loop.connect()
        try connection.send(Array("bye q".utf8).span)
        #expect(try receive(5, from: connection) == Array("bye q".utf8))
        var rest = ByteBuffer(capacity: 16)
        #expect(throws: SocketError.closed) {
            try connection.receive(into: &rest, timeoutMilliseconds: 30_000)
        }
        loop.handle.stop()
    }

    @Test func `a megabyte passes to a reader that starts late`() throws {
        let loop = try RunningLoop { $0.readBufferBytes = 4_096 }
        let connection = try loop.connect()
        let message = (0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 % 97) &+ 120 }
        let isSent = Counter()
        let descriptor = connection.descriptor
        let thread = startThread {
            unsafe message.withUnsafeBufferPointer { bytes in
                var sent = 0
                while sent < bytes.count {
                    let count = unsafe CLinux.send(
                        descriptor, bytes.baseAddress! + sent, bytes.count - sent, 0)
                    if count < 0, errno == EAGAIN {
                        usleep(1_000)
                        continue
                    }
                    if count <= 0 { break }
                    sent += count
                }
            }
            isSent.value.store(1, ordering: .relaxed)
        }
        usleep(100_000)
        let received = try receive(message.count, from: connection)
        pthread_join(thread, nil)
        #expect(received == message)
        #expect(isSent.value.load(ordering: .relaxed) == 1)
        loop.handle.stop()
    }

    @Test func `a peer that takes nothing is closed after the stall limit`() throws {
        let loop = try RunningLoop {
            $0.writeStallNanosecondsMax = 100_000_000
            $0.backlogBytesMax = 64 << 10
        }
        let connection = try loop.connect()
        let chunk = [UInt8](repeating: 1, count: 64 << 10)
        // Fills the loop's sending side until it reads no more; then the loop closes.
        var isClosed = false
        for _ in 0..<1_000 {
            let count = unsafe chunk.withUnsafeBufferPointer {
                unsafe CLinux.send(
                    connection.descriptor, $0.baseAddress, $0.count,
                    Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
            }
            if count < 0, kassa_errno() != EAGAIN {
                isClosed = true
                break
            }
            usleep(1_000)
        }
        #expect(isClosed)
        #expect(loop.closedCount.value.load(ordering: .relaxed) == 1)
        loop.handle.stop()
    }

    @Test func `a tick comes at its deadline`() throws {
        let loop = try RunningLoop()
        let connection = try loop.connect()
        let start = MonotonicTime.now()
        try connection.send(Array("t".utf8).span)
        #expect(try receive(2, from: connection) == Array("t!".utf8))
        let elapsed = MonotonicTime.now().nanoseconds(since: start)
        #expect(elapsed >= 20_000_000)
        loop.handle.stop()
    }

    @Test func `connections above the limit are closed and the others are served`() throws {
        let loop = try RunningLoop { $0.connectionsMax = 1 }
        let first = try loop.connect()
        try first.send(Array("a".utf8).span)
        #expect(try receive(1, from: first) == [97])
        let second = try loop.connect()
        var buffer = ByteBuffer(capacity: 16)
        #expect(throws: SocketError.closed) {
            try second.receive(into: &buffer, timeoutMilliseconds: 30_000)
        }
        #expect(loop.handle.refused == 1)
        try first.send(Array("b".utf8).span)
        #expect(try receive(1, from: first) == [98])
        loop.handle.stop()
    }

    @Test func `a message from another thread wakes the loop and is answered`() throws {
        let loop = try RunningLoop()
        let connection = try loop.connect()
        try connection.send(Array("a".utf8).span)
        _ = try receive(1, from: connection)
        usleep(10_000)
        let id = try #require(loop.sharedIds.all.withLock { $0.first })
        #expect(loop.mailbox.post(id))
        #expect(try receive(1, from: connection) == Array("m".utf8))
        let stale = ConnectionID(rawValue: id.rawValue + 1 << 32)
        #expect(loop.mailbox.post(stale))
        loop.handle.stop()
        #expect(loop.ends())
        #expect(loop.mailbox.post(id))
        #expect((0..<4).filter { _ in loop.mailbox.post(id) }.count < 4)
    }

    @Test func `a drain lets sessions finish and then returns`() throws {
        let loop = try RunningLoop()
        let connection = try loop.connect()
        try connection.send(Array("a".utf8).span)
        _ = try receive(1, from: connection)
        loop.handle.drain()
        #expect(loop.ends())
        #expect(loop.closedCount.value.load(ordering: .relaxed) == 1)
    }

    @Test func `a peer that closes while we write does not kill the process`() throws {
        let loop = try RunningLoop()
        for _ in 0..<20 {
            let connection = try loop.connect()
            try connection.send([UInt8](repeating: 1, count: 100_000).span)
        }
        let last = try loop.connect()
        try last.send(Array("z".utf8).span)
        #expect(try receive(1, from: last) == [122])
        loop.handle.stop()
    }

    @Test func `two loops share a port`() throws {
        let first = try RunningLoop()
        let second = try RunningLoop { $0.port = first.port }
        #expect(second.port == first.port)
        first.handle.stop()
        second.handle.stop()
    }

    @Test func `an address that is no number is refused`() {
        #expect(throws: SocketError.badAddress) {
            _ = try ClientConnection(host: "localhost.example", port: 1)
        }
    }
}
