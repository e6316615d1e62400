// SPDX-License-Identifier: Apache-2.0

/// Why a session answers a call itself instead of handing it to a handler.
struct Refusal {
    var status = Status.ok
    /// The HTTP status; other than 200, the answer has neither body nor gRPC status.
    var httpStatus = 200
    var message: StaticString = ""
    /// When the call may be tried again (`grpc-retry-pushback-ms`); nil where that would not help.
    var retryMilliseconds: UInt32?

    /// What a caller should wait for bytes of others to be taken in: some turns of the loop.
    private static let turnMilliseconds: UInt32 = 100

    static let notAPost = Refusal(httpStatus: 405)
    static let notGRPC = Refusal(httpStatus: 415)
    static let unknownMethod = Refusal(status: .unimplemented, message: "unknown method")
    static let badTimeout = Refusal(status: .internalError, message: "malformed grpc-timeout")
    static let unknownEncoding = Refusal(
        status: .unimplemented, message: "unsupported grpc-encoding")
    static let compressed = Refusal(
        status: .internalError, message: "compressed message without grpc-encoding")
    static let badFlag = Refusal(status: .internalError, message: "message flag is not 0 or 1")
    static let tooLarge = Refusal(
        status: .resourceExhausted, message: "message is larger than the limit")
    static let connectionFull = Refusal(
        status: .resourceExhausted, message: "too many request bytes on this connection",
        retryMilliseconds: turnMilliseconds)
    static let loopFull = Refusal(
        status: .resourceExhausted, message: "too many request bytes wait; try again later",
        retryMilliseconds: turnMilliseconds)
    static let truncated = Refusal(
        status: .internalError, message: "request ended inside a message")
    static let noMessage = Refusal(status: .unimplemented, message: "request has no message")
    static let secondMessage = Refusal(
        status: .unimplemented, message: "request has more than one message")
    static let deadline = Refusal(status: .deadlineExceeded, message: "deadline exceeded")
    static let noReply = Refusal(status: .internalError, message: "handler gave no reply")
}
