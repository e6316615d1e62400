// SPDX-License-Identifier: Apache-2.0

import Base
import GRPC

/// Joins a client and a server session in memory and prints what a call costs each of them.
func measureSessions(rounds: Int, callsPerRound: Int) {
    let memory = SessionMemory()
    let start = MonotonicTime.now()
    let echo = EchoSession(memory: memory, now: start)
    let client = ClientSession(authority: "localhost", memory: memory)
    let path = client.path("/echo.Echo/Unary")
    let message = [UInt8](repeating: 7, count: 100)
    var up = ByteBuffer(capacity: 1 << 20)
    var down = ByteBuffer(capacity: 1 << 20)
    var clientNanoseconds: UInt64 = 0
    var serverNanoseconds: UInt64 = 0
    var finished = 0
    var pooled = (memory.pooledAllocations, memory.systemAllocations)
    for round in 0..<(rounds + 10) {
        if round == 10 {
            // The first rounds grow the pools.
            (clientNanoseconds, serverNanoseconds, finished) = (0, 0, 0)
            pooled = (memory.pooledAllocations, memory.systemAllocations)
        }
        let opened = MonotonicTime.now()
        for tag in 0..<callsPerRound {
            client.unary(path, tag: tag, message: message.span, now: opened)
        }
        client.produce(into: &up)
        let sent = MonotonicTime.now()
        echo.receive(up.bytes, now: sent)
        up.removeAll()
        echo.produce(into: &down, now: sent)
        let answered = MonotonicTime.now()
        _ = client.receive(down.bytes)
        down.removeAll()
        while let event = client.nextEvent() {
            if case .finished(let call) = event, call.status == .ok { finished += 1 }
        }
        let closed = MonotonicTime.now()
        clientNanoseconds += sent.nanoseconds(since: opened) + closed.nanoseconds(since: answered)
        serverNanoseconds += answered.nanoseconds(since: sent)
    }
    let calls = UInt64(finished)
    precondition(finished == rounds * callsPerRound, "a call failed")
    print(
        "client \(clientNanoseconds / calls) ns/call, server \(serverNanoseconds / calls) ns/call")
    print(
        "nghttp2 allocations: \((memory.pooledAllocations - pooled.0) / calls) per call pooled,",
        "\(memory.systemAllocations - pooled.1) of all from malloc")
}
