// SPDX-License-Identifier: Apache-2.0

package import API
internal import Base
internal import GRPC
package import Wire

/// A call with a stream of requests and one reply.
///
/// The timeout of the client is for every step: for the server to take a message, and for the
/// reply once all are sent. A large upload may so take longer than one call.
package struct ClientUpload: ~Copyable {
    /// Bytes that may wait for the server's window before `send` waits too.
    static let backlogByteCountMax = 512 << 10

    private let client: Client
    private let call: PendingCall

    /// Opens the call on `client`.
    package init(_ client: Client, _ method: APIMethod) throws(ClientError) {
        self.client = client
        call = try client.open(method)
    }

    deinit {
        if !call.isFinished { client.abandon(call) }
    }

    /// Sends one message, waiting while the server takes none; false once the call is over.
    package func send(_ message: some WireMessage) throws(ClientError) -> Bool {
        guard let id = call.id, !call.isFinished else { return false }
        client.writer.removeAll()
        message.encode(into: &client.writer)
        client.session.send(id, message: client.writer.bytes)
        var backlog = client.session.call(id)?.pendingRequestBytes ?? 0
        var deadline = nextDeadline
        while backlog > Self.backlogByteCountMax, !call.isFinished {
            guard try client.turn(until: deadline) else { throw timedOut }
            let left = client.session.call(id)?.pendingRequestBytes ?? 0
            if left < backlog { deadline = nextDeadline }
            backlog = left
        }
        return !call.isFinished
    }

    /// Says that no message follows, and waits for the reply.
    package func finish<Response: WireMessage>(
        returning: Response.Type = Response.self
    ) throws(ClientError) -> Response {
        if let id = call.id {
            client.session.halfClose(id)
            var backlog = client.session.call(id)?.pendingRequestBytes ?? 0
            var deadline = nextDeadline
            while backlog > 0, !call.isFinished {
                guard try client.turn(until: deadline) else { throw timedOut }
                let left = client.session.call(id)?.pendingRequestBytes ?? 0
                if left < backlog { deadline = nextDeadline }
                backlog = left
            }
        }
        call.deadline = nextDeadline
        return try client.finish(call)
    }

    private var nextDeadline: MonotonicTime {
        .now().advanced(byNanoseconds: UInt64(client.timeoutMilliseconds) * 1_000_000)
    }

    private var timedOut: ClientError {
        .timedOut(
            server: client.server, method: call.method.path, client.timeoutMilliseconds)
    }
}
