// SPDX-License-Identifier: Apache-2.0

import Base
import GRPC
import Transport
import Wire

/// Makes one gRPC call after the other, waiting for each: what prepares a server for a bench.
final class ControlClient {
    static let timeoutNanoseconds: UInt64 = 60_000_000_000

    private let socket: ClientConnection
    private let session: ClientSession

    init(port: UInt16) throws(SocketError) {
        socket = try ClientConnection(host: "127.0.0.1", port: port)
        session = ClientSession(authority: "127.0.0.1:\(port)", memory: SessionMemory())
    }

    /// Calls `path` with `requests` (one, but for a client stream) and returns the reply.
    func call<Request: WireMessage, Reply: WireMessage>(
        _ path: String, _ requests: [Request], reply: Reply.Type = Reply.self
    ) throws -> Reply {
        let id = session.open(session.path(path), tag: 0, now: .now())
        guard let id else { throw BenchError("\(path): the connection takes no calls") }
        var output = ByteBuffer(capacity: 1 << 20)
        var writer = WireWriter(capacity: 1 << 20)
        for request in requests {
            writer.removeAll()
            request.encode(into: &writer)
            session.send(id, message: writer.bytes)
        }
        session.halfClose(id)
        let deadline = MonotonicTime.now().advanced(byNanoseconds: Self.timeoutNanoseconds)
        var answer: Reply?
        while MonotonicTime.now() < deadline {
            output.removeAll()
            session.produce(into: &output)
            if !output.isEmpty { try socket.send(output.bytes) }
            output.removeAll()
            try socket.receive(into: &output, timeoutMilliseconds: 60_000)
            guard session.receive(output.bytes) else {
                throw BenchError("\(path): the connection broke")
            }
            while let event = session.nextEvent() {
                switch event {
                case .message(let call):
                    answer = try Reply(decoding: call.message)
                case .finished(let call):
                    guard call.status == .ok, let answer else {
                        let text = call.statusMessage
                        let message = String(
                            decoding: text.indices.map { text[$0] }, as: UTF8.self)
                        throw BenchError("\(path): \(call.status) \(message)")
                    }
                    return answer
                }
            }
        }
        throw BenchError("\(path): no answer")
    }
}
