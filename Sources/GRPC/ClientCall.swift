// SPDX-License-Identifier: Apache-2.0

package import Base

/// One gRPC call on a client session; pooled, and lent with each event.
package final class ClientCall {
    /// Names the call while it lives.
    package internal(set) var id = CallID(slot: 0, generation: 0)
    /// What the caller gave to recognise the call by.
    package internal(set) var tag = 0
    /// When the call was opened.
    package internal(set) var startedAt = MonotonicTime(nanoseconds: 0)
    /// The call's status, once it has finished.
    package internal(set) var status = Status.unknown

    var streamID: Int32 = 0
    var isUnary = true
    /// A plain GET: no message is expected, and the HTTP status decides.
    var isPlain = false
    var received = MessageBuffer()
    var messageCount = 0
    var request = ByteBuffer(capacity: 512)
    var requestSent = 0
    var isDeferred = false
    /// Whether the request waits until an earlier call's is sent.
    var isHeldBack = false
    /// The call whose request is sent behind this one's.
    var follower: CallID?
    var isHalfClosed = false
    var isClosed = false
    var isQueued = false
    var isFinished = false
    var hasStatus = false
    var httpStatus = 0
    var resetCode: UInt32 = 0
    var text = ByteBuffer(capacity: 16)

    init() {}

    /// The reply that the last event brought, without its prefix.
    package var message: Span<UInt8> {
        @_lifetime(borrow self)
        // Safe: the bytes stay until the session's next event, for which self is lent.
        get { unsafe _overrideLifetime(received.message, borrowing: self) }
    }

    /// The status message, decoded.
    package var statusMessage: Span<UInt8> {
        @_lifetime(borrow self)
        // Safe: as above.
        get { unsafe _overrideLifetime(text.bytes, borrowing: self) }
    }

    /// Request bytes that wait for the server's window.
    package var pendingRequestBytes: Int { request.count - requestSent }

    func reset(id: CallID, tag: Int, isUnary: Bool, now: MonotonicTime) {
        self.id = id
        self.tag = tag
        self.isUnary = isUnary
        isPlain = false
        startedAt = now
        status = .unknown
        messageCount = 0
        requestSent = 0
        isDeferred = false
        isHeldBack = false
        follower = nil
        isHalfClosed = false
        isClosed = false
        isQueued = false
        isFinished = false
        hasStatus = false
        httpStatus = 0
        resetCode = 0
        received.removeAll(keepingCapacityUpTo: Call.pooledBytesMax)
        request.removeAll()
        text.removeAll()
    }

    /// Takes note of one response header or trailer field.
    func takeHeader(name: Span<UInt8>, value: Span<UInt8>) {
        switch name.count {
        case 7 where equals(name, ":status"):
            httpStatus = decimal(value) ?? 0
        case 11 where equals(name, "grpc-status"):
            hasStatus = true
            status = decimal(value).flatMap(UInt8.init(exactly:)).flatMap(Status.init) ?? .unknown
        case 12 where equals(name, "grpc-message"):
            text.removeAll()
            appendPercentDecoded(value, to: &text)
        default:
            break
        }
    }

    /// Settles the status once the stream has closed.
    ///
    /// Stricter than the stock clients: status 0 without the one whole reply is INTERNAL.
    func settleStatus() {
        if isPlain, !hasStatus, httpStatus == 200, resetCode == 0 {
            status = .ok
        } else if hasStatus {
            if status == .ok, isUnary, messageCount != 1 { status = .internalError }
        } else if httpStatus != 0, httpStatus != 200 {
            status = Self.status(ofHTTP: httpStatus)
        } else {
            status = Self.status(ofReset: resetCode)
        }
    }

    private static func status(ofHTTP status: Int) -> Status {
        switch status {
        case 400: .internalError
        case 401: .unauthenticated
        case 403: .permissionDenied
        case 404: .unimplemented
        case 429, 502, 503, 504: .unavailable
        default: .unknown
        }
    }

    /// The table of PROTOCOL-HTTP2.md, "Errors".
    private static func status(ofReset code: UInt32) -> Status {
        switch code {
        case 7: .unavailable
        case 8: .cancelled
        case 11: .resourceExhausted
        case 12: .permissionDenied
        default: .internalError
        }
    }
}

/// The number that `text` spells in at most four digits.
private func decimal(_ text: Span<UInt8>) -> Int? {
    guard text.count >= 1, text.count <= 4 else { return nil }
    var number = 0
    for index in text.indices {
        let digit = text[index] &- UInt8(ascii: "0")
        guard digit <= 9 else { return nil }
        number = number * 10 + Int(digit)
    }
    return number
}
