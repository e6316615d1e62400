// SPDX-License-Identifier: Apache-2.0

package import GRPC

/// Why a call brought no reply.
package enum ClientError: Error, Equatable, CustomStringConvertible {
    /// The server's name is not `host:port`.
    case badAddress(String)
    /// No connection came about.
    case unreachable(server: String, reason: String)
    /// The connection ended while calls were open: whether they were done is not known.
    case lost(server: String, reason: String)
    /// The server has answered with this status and its words.
    case status(Status, message: String)
    /// The reply is not the message that the method returns.
    case malformedReply(method: String, reason: String)
    /// Nothing came within the milliseconds given.
    case timedOut(server: String, method: String, Int)

    /// What happened, and what to do where that is known.
    package var description: String {
        switch self {
        case .badAddress(let server):
            "\"\(server)\" is no server: write HOST:PORT, such as 127.0.0.1:6750"
        case .unreachable(let server, let reason):
            "no server at \(server) (\(reason)): start one with `kassa serve`"
        case .lost(let server, let reason):
            "the connection to \(server) was lost: \(reason)"
        case .status(let status, let message):
            message.isEmpty ? "the server answered \(status.name)" : "\(status.name): \(message)"
        case .malformedReply(let method, let reason):
            "\(method) was answered by something that is no reply (\(reason)):"
                + " is the server another version?"
        case .timedOut(let server, let method, let milliseconds):
            "\(server) has not answered \(method) within \(milliseconds) ms:"
                + " look at its load, or allow more with --timeout"
        }
    }
}

extension Status {
    /// The code's name in gRPC's documents, "NOT_FOUND".
    package var name: String {
        switch self {
        case .ok: "OK"
        case .cancelled: "CANCELLED"
        case .unknown: "UNKNOWN"
        case .invalidArgument: "INVALID_ARGUMENT"
        case .deadlineExceeded: "DEADLINE_EXCEEDED"
        case .notFound: "NOT_FOUND"
        case .alreadyExists: "ALREADY_EXISTS"
        case .permissionDenied: "PERMISSION_DENIED"
        case .resourceExhausted: "RESOURCE_EXHAUSTED"
        case .failedPrecondition: "FAILED_PRECONDITION"
        case .aborted: "ABORTED"
        case .outOfRange: "OUT_OF_RANGE"
        case .unimplemented: "UNIMPLEMENTED"
        case .internalError: "INTERNAL"
        case .unavailable: "UNAVAILABLE"
        case .dataLoss: "DATA_LOSS"
        case .unauthenticated: "UNAUTHENTICATED"
        }
    }
}
