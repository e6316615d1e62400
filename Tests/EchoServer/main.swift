// SPDX-License-Identifier: Apache-2.0

// A gRPC echo server on one loop, to measure the floor of the transport: `EchoServer [port]`,
// or `EchoServer measure` for what the sessions cost without a socket.

import Base
import GRPC
import Glibc
import Transport

func serve() throws {
    let memory = SessionMemory()
    var configuration = LoopConfiguration()
    configuration.port = CommandLine.arguments.dropFirst().first.flatMap(UInt16.init) ?? 50_051
    let loop = try EventLoop(configuration) { _ in
        EchoSession(memory: memory, now: MonotonicTime.now())
    }
    print("listening on 127.0.0.1:\(loop.port)")
    // Whoever started it reads the port from a pipe.
    fflush(nil)
    loop.run()
}

if CommandLine.arguments.dropFirst().first == "measure" {
    measureSessions(rounds: 10_000, callsPerRound: 100)
} else {
    try serve()
}
