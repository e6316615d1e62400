// SPDX-License-Identifier: Apache-2.0
//
// Client: a small blocking gRPC client for the command line, the demo and tests.
//
// One client is one connection, used from one thread. Every call has the client's timeout, which
// the server learns of too. Many unary calls may be in flight; a stream of requests is sent as fast
// as the server takes it, with at most half a megabyte of it in memory.
//
// Invariant: a call either returns the reply of status OK or throws; its resources are gone then.
// Traps: nothing reconnects. After `lost` the client is of no more use.
//
//     let client = try Client(server: "127.0.0.1:6750")
//     let reply: KassaV1.ScoreResponse = try client.call(KassaV1.ScoringService.score, request)

package import API
internal import Base
internal import GRPC
internal import Transport
package import Wire

/// A connection to a server on which calls are made.
package final class Client {
    /// The server as it was named, "127.0.0.1:6750".
    package let server: String
    /// How long a call may take, and how long connecting may.
    package var timeoutMilliseconds: Int

    /// The longest timeout: a day.
    package static let timeoutMillisecondsMax = 86_400_000

    let session: ClientSession
    var socket: ClientSocket
    var writer = WireWriter()
    private var paths: [String: ClientSession.Path] = [:]
    private var nextTag = 0
    var pending: [Int: PendingCall] = [:]

    /// Connects to `server`: `host:port`, where the host is an address or a name.
    package init(server: String, timeoutMilliseconds: Int = 10_000) throws(ClientError) {
        precondition(1...Self.timeoutMillisecondsMax ~= timeoutMilliseconds)
        self.server = server
        self.timeoutMilliseconds = timeoutMilliseconds
        let address = try ServerAddress(server)
        socket = ClientSocket(try address.connect(timeoutMilliseconds: timeoutMilliseconds))
        session = ClientSession(authority: server, memory: SessionMemory())
    }

    /// Makes one call and returns its reply.
    package func call<Response: WireMessage>(
        _ method: APIMethod, _ request: some WireMessage, returning: Response.Type = Response.self
    ) throws(ClientError) -> Response {
        let call = try start(method, request)
        return try finish(call)
    }

    /// Sends `messages` on one call and returns its one reply.
    ///
    /// The messages are asked for as the server takes them; it may answer before it has them all.
    package func call<Response: WireMessage, Messages: Sequence>(
        _ method: APIMethod, sending messages: Messages, returning: Response.Type = Response.self
    ) throws(ClientError) -> Response where Messages.Element: WireMessage {
        let upload = try ClientUpload(self, method)
        for message in messages {
            guard try upload.send(message) else { break }
        }
        return try upload.finish()
    }

    /// Begins a unary call, to be ended by ``finish(_:)``; its request is sent by the next wait.
    ///
    /// - Parameter earlier: a call whose request is to arrive first.
    package func start(
        _ method: APIMethod, _ request: some WireMessage, behind earlier: PendingCall? = nil
    ) throws(ClientError) -> PendingCall {
        writer.removeAll()
        request.encode(into: &writer)
        let call = PendingCall(method: method, tag: nextTag, startedAt: .now())
        nextTag += 1
        let timeout = UInt64(timeoutMilliseconds) * 1_000_000
        call.deadline = call.startedAt.advanced(byNanoseconds: timeout)
        call.id = session.unary(
            path(method), tag: call.tag, message: writer.bytes, timeoutNanoseconds: timeout,
            behind: earlier?.id, now: call.startedAt)
        guard call.id != nil else { throw lost("the connection takes no more calls") }
        pending[call.tag] = call
        return call
    }

    /// Sends what the connection takes at once, and waits for nothing.
    package func send() throws(ClientError) {
        _ = try turn(until: .now())
    }

    /// Begins a call whose requests follow.
    func open(_ method: APIMethod) throws(ClientError) -> PendingCall {
        let call = PendingCall(method: method, tag: nextTag, startedAt: .now())
        nextTag += 1
        call.id = session.open(path(method), tag: call.tag, now: call.startedAt)
        guard call.id != nil else { throw lost("the connection takes no more calls") }
        pending[call.tag] = call
        return call
    }

    /// Waits for a call's end and returns its reply.
    package func finish<Response: WireMessage>(
        _ call: PendingCall, returning: Response.Type = Response.self
    ) throws(ClientError) -> Response {
        while !call.isFinished {
            guard try turn(until: call.deadline) else {
                abandon(call)
                throw .timedOut(server: server, method: call.method.path, timeoutMilliseconds)
            }
        }
        guard call.status == .ok else {
            throw .status(call.status, message: call.statusMessage)
        }
        let reply = call.reply
        do throws(WireError) {
            return try Response(decoding: reply.span)
        } catch {
            throw .malformedReply(method: call.method.path, reason: "\(error)")
        }
    }

    /// Makes a call per request, at most `inFlightMax` at a time; results in the requests' order.
    ///
    /// Throws only if the connection is lost; what befell one call is in its result.
    package func calls<Response: WireMessage>(
        _ method: APIMethod, _ requests: some Sequence<some WireMessage>, inFlightMax: Int = 64,
        returning: Response.Type = Response.self
    ) throws(ClientError) -> [Result<Response, ClientError>] {
        precondition(inFlightMax > 0)
        var results: [Result<Response, ClientError>] = []
        var started: [PendingCall] = []
        for request in requests {
            if started.count - results.count == inFlightMax {
                results.append(try result(of: started[results.count]))
            }
            started.append(try start(method, request))
        }
        while results.count < started.count {
            results.append(try result(of: started[results.count]))
        }
        return results
    }

    private func result<Response: WireMessage>(
        of call: PendingCall
    ) throws(ClientError) -> Result<Response, ClientError> {
        do throws(ClientError) {
            return .success(try finish(call))
        } catch {
            if case .lost = error { throw error }
            return .failure(error)
        }
    }

    /// Gives a call up; what still arrives for it is dropped.
    func abandon(_ call: PendingCall) {
        if let id = call.id { session.cancel(id) }
        pending[call.tag] = nil
    }

    private func path(_ method: APIMethod) -> ClientSession.Path {
        if let path = paths[method.path] { return path }
        let path = session.path(method.path)
        paths[method.path] = path
        return path
    }
}
