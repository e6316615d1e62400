// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import GRPC
internal import Transport

/// A turn: send what there is to send, take what has arrived, and tell the calls.
extension Client {
    /// Sends and receives once, waiting at most until `deadline`; false if that has passed.
    func turn(until deadline: MonotonicTime) throws(ClientError) -> Bool {
        do throws(SocketError) {
            guard try socket.exchange(session, until: deadline) else { return false }
        } catch {
            throw lost(error == .closed ? ended : "\(error)")
        }
        dispatch()
        guard !session.wantsClose || pending.isEmpty else {
            throw lost(ended)
        }
        return true
    }

    private var ended: String {
        socket.isForeign
            ? "what answers there is no gRPC server; is it the --admin port?"
            : "the server has ended it"
    }

    /// Hands what the session has to tell to the calls that it is about.
    private func dispatch() {
        while let event = session.nextEvent() {
            switch event {
            case .message(let call):
                // A second reply to a unary call makes its status INTERNAL, and is not kept.
                guard let waiting = pending[call.tag], waiting.reply.isEmpty else { continue }
                // Safe: the bytes are copied at once.
                waiting.reply = unsafe call.message.withUnsafeBufferPointer { unsafe Array($0) }
            case .finished(let call):
                guard let waiting = pending.removeValue(forKey: call.tag) else { continue }
                waiting.status = call.status
                // Safe: as above.
                waiting.statusMessage = unsafe call.statusMessage.withUnsafeBufferPointer {
                    unsafe String(decoding: $0, as: UTF8.self)
                }
                waiting.finishedAt = .now()
            }
        }
    }

    /// The connection is gone: so are all calls.
    func lost(_ reason: String) -> ClientError {
        session.connectionClosed()
        pending.removeAll()
        return .lost(server: server, reason: reason)
    }
}
