// SPDX-License-Identifier: Apache-2.0

import Base
import CLinux
import GRPC
import Transport

/// One connection of the load generator: a socket, its session and what lies between them.
final class LoadConnection {
    static let receivedBytesMax = 256 << 10

    private let socket: ClientConnection
    let session: ClientSession
    let path: ClientSession.Path
    private let isGet: Bool

    init(_ plan: LoadPlan, memory: SessionMemory) throws(SocketError) {
        socket = try ClientConnection(host: "127.0.0.1", port: plan.port)
        session = ClientSession(authority: "127.0.0.1:\(plan.port)", memory: memory)
        switch plan.call {
        case .unary(let path):
            self.path = session.path(path)
            isGet = false
        case .get(let path):
            self.path = session.path(path)
            isGet = true
        }
    }

    var descriptor: Int32 { socket.descriptor }

    /// Queues a call that counts from `start`.
    func submit(_ message: Span<UInt8>, start: MonotonicTime) -> Bool {
        if isGet { return session.get(path, tag: 0, now: start) != nil }
        return session.unary(path, tag: 0, message: message, now: start) != nil
    }

    /// Sends what is queued, by way of `buffer`.
    func flush(by buffer: inout ByteBuffer) throws(SocketError) {
        buffer.removeAll()
        session.produce(into: &buffer)
        if !buffer.isEmpty { try socket.send(buffer.bytes) }
    }

    /// Takes what has arrived, by way of `buffer` and without waiting; false if there was nothing.
    func receive(by buffer: inout ByteBuffer) throws(SocketError) -> Bool {
        var count = 0
        buffer.removeAll()
        // Safe: recv writes at most the room that it is given.
        unsafe buffer.appendUninitialized(Self.receivedBytesMax) { room in
            count = unsafe recv(descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT))
            return max(0, count)
        }
        if count == 0 { throw .closed }
        if count < 0 {
            let error = kassa_errno()
            if error == EAGAIN || error == EINTR { return false }
            throw .system(call: "recv", errno: error)
        }
        guard session.receive(buffer.bytes) else { throw .closed }
        return true
    }
}
