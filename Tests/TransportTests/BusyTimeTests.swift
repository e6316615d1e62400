// SPDX-License-Identifier: Apache-2.0

import Base
import CLinux
import Glibc
import Testing

@testable import Transport

/// Takes 40 ms over whatever arrives, and answers it.
private final class SlowSession: ByteSession {
    var pending = ByteBuffer(capacity: 64)

    func receive(_ bytes: Span<UInt8>, now: MonotonicTime) {
        usleep(40_000)
        pending.append(bytes)
    }

    var wantsProduce: Bool { pending.count > 0 }

    func produce(into buffer: inout ByteBuffer, now: MonotonicTime) {
        buffer.append(pending.bytes)
        pending.removeAll()
    }

    var wantsClose: Bool { false }
    var nextDeadline: MonotonicTime { .distantFuture }
    func tick(now: MonotonicTime) {}
    func drain(now: MonotonicTime) {}
    func closed() {}
}

/// Polls for ever, a little, and not at all.
@Test(arguments: [UInt64(10_000_000_000), 50_000, 0])
func `a loop is busy in its turns, and neither while it polls nor while it sleeps`(
    pollNanoseconds: UInt64
) throws {
    var configuration = LoopConfiguration()
    configuration.pollNanoseconds = pollNanoseconds
    let loop = try EventLoop(configuration) { _ in SlowSession() }
    let handle = loop.handle
    let connection = try ClientConnection(host: "127.0.0.1", port: loop.port)
    nonisolated(unsafe) let running = loop
    let thread = Thread(name: "busy-loop") { unsafe running.run() }
    defer {
        handle.stop()
        thread.join()
    }
    usleep(50_000)
    let before = handle.busyNanoseconds
    let begun = MonotonicTime.now()
    for byte: UInt8 in 1...3 {
        try connection.send([byte].span)
        #expect(try receive(1, from: connection) == [byte])
    }
    let elapsed = MonotonicTime.now().nanoseconds(since: begun)
    usleep(100_000)
    let busy = handle.busyNanoseconds - before
    #expect(busy >= 120_000_000)
    // The 100 ms of rest are not in it.
    #expect(busy < elapsed + 50_000_000)
    let quiet = handle.busyNanoseconds
    usleep(100_000)
    #expect(handle.busyNanoseconds - quiet < 20_000_000)
}
