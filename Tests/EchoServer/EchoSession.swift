// SPDX-License-Identifier: Apache-2.0

import Base
import GRPC
import Transport

/// Answers every message with itself: what the transport and the sessions cost without any work.
final class EchoSession: ByteSession {
    static let methods = MethodTable([
        MethodTable.Method(path: "/echo.Echo/Unary", kind: .unary, tag: 0),
        MethodTable.Method(path: "/echo.Echo/Stream", kind: .bidirectional, tag: 1),
        MethodTable.Method(path: "/echo.Echo/Silent", kind: .bidirectional, tag: 2),
    ])

    let session: ServerSession

    init(memory: SessionMemory, now: MonotonicTime) {
        session = ServerSession(methods: Self.methods, memory: memory, now: now)
    }

    private func answer() {
        while let event = session.nextEvent() {
            switch event {
            case .message(let call):
                switch call.method {
                case 0: session.replyAndFinish(call, message: call.message)
                case 1: session.reply(call, message: call.message)
                default: break
                }
            case .halfClosed(let call):
                session.finish(call, status: .ok)
            case .cancelled:
                break
            }
        }
    }

    func receive(_ bytes: Span<UInt8>, now: MonotonicTime) {
        _ = session.receive(bytes, now: now)
        answer()
    }

    var wantsProduce: Bool { session.wantsProduce }

    func produce(into buffer: inout ByteBuffer, now: MonotonicTime) {
        session.produce(into: &buffer, now: now)
        if session.hasEvents { answer() }
    }

    var wantsClose: Bool { session.wantsClose }

    var nextDeadline: MonotonicTime { session.nextDeadline }

    func tick(now: MonotonicTime) {
        session.tick(now: now)
        answer()
    }

    func drain(now: MonotonicTime) { session.drain(now: now) }

    func closed() {}
}

extension ServerSession {
    /// Ends the call with its one reply and status 0.
    func replyAndFinish(_ call: Call, message: Span<UInt8>) {
        reply(call, message: message)
        finish(call, status: .ok)
    }
}
