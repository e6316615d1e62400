// SPDX-License-Identifier: Apache-2.0

import Base
import GRPC
import Synchronization
import Transport

/// An event loop of scripted sessions on a thread of its own.
final class ScriptedServer: Sendable {
    let port: UInt16
    private let handle: LoopHandle
    private let thread: Thread

    init() throws {
        let started = Mutex<Result<(UInt16, LoopHandle), SocketError>?>(nil)
        let box = Box(started)
        thread = Thread(name: "scripted") {
            do throws(SocketError) {
                let memory = SessionMemory()
                let loop = try EventLoop(LoopConfiguration()) { _ in
                    ScriptedSession(memory: memory, now: .now())
                }
                box.started.withLock { $0 = .success((loop.port, loop.handle)) }
                loop.run()
            } catch {
                box.started.withLock { $0 = .failure(error) }
            }
        }
        var result: Result<(UInt16, LoopHandle), SocketError>?
        while result == nil { result = box.started.withLock { $0 } }
        (port, handle) = try result!.get()
    }

    var address: String { "127.0.0.1:\(port)" }

    func stop() {
        handle.stop()
        thread.join()
    }

    private final class Box: Sendable {
        let started: Mutex<Result<(UInt16, LoopHandle), SocketError>?>
        init(_ started: consuming Mutex<Result<(UInt16, LoopHandle), SocketError>?>) {
            self.started = started
        }
    }
}

/// Runs `body` with a server that is stopped afterwards.
func withServer(_ body: (ScriptedServer) throws -> Void) throws {
    let server = try ScriptedServer()
    defer { server.stop() }
    try body(server)
}
