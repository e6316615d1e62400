// SPDX-License-Identifier: Apache-2.0

package import Base

/// One gRPC call on a server session: its request as it arrives and its reply as it leaves.
///
/// Calls and their buffers are pooled. A call is lent to a handler until the session is asked for
/// its next event; to answer later, keep the ``id``.
package final class Call {
    /// Request buffers larger than this are not kept for the next call.
    static let pooledBytesMax = 64 << 10

    /// Names the call while it lives.
    package internal(set) var id = CallID(slot: 0, generation: 0)
    /// The tag that its method was registered with.
    package internal(set) var method = 0
    /// When the request's headers arrived.
    package internal(set) var receivedAt = MonotonicTime(nanoseconds: 0)
    /// When the caller gives up; an answer after it is pointless.
    package internal(set) var deadline = MonotonicTime.distantFuture

    // What the headers said.
    var streamID: Int32 = 0
    var kind = MethodKind.unary
    var isPost = false
    var hasGRPCContentType = false
    var hasTE = false
    var hasUnknownEncoding = false
    var hasBadTimeout = false
    var isKnownMethod = false
    var timeoutNanoseconds = UInt64.max
    var headerBytes = 0
    var headerFields = 0
    var areHeadersComplete = false

    // The request's body.
    var received = MessageBuffer()
    /// Bytes that arrived and were not given back to the stream's window.
    var unconsumedBytes = 0
    var emptyDataFrames = 0
    var refusal: Refusal?
    var hasEnded = false
    var isClosed = false

    // Delivery to the handler.
    var isQueued = false
    var isPaused = false
    var isAnnounced = false
    var isHalfCloseAnnounced = false

    // The reply: `reply[replySent...]` waits for the peer's window.
    var reply = ByteBuffer(capacity: 512)
    var replySent = 0
    var replyCount = 0
    var isResponseSubmitted = false
    var isDeferred = false
    /// Whether an answer was decided, by the handler or by the session.
    package internal(set) var isAnswered = false
    /// What the call ended with, once it is answered.
    package internal(set) var status = Status.ok
    /// When a reply that the peer does not take is given up.
    var stallDeadline = MonotonicTime.distantFuture
    var statusText = ByteBuffer(capacity: 16)
    /// What `grpc-retry-pushback-ms` says; nil for none.
    var retryPushbackMilliseconds: UInt32?

    init() {}

    /// The message that the last event brought, without its prefix.
    package var message: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            // Safe: the bytes stay until the session's next event, for which self is lent.
            unsafe _overrideLifetime(received.message, borrowing: self)
        }
    }

    /// The percent-encoded status message.
    var statusBytes: Span<UInt8> {
        @_lifetime(borrow self)
        // Safe: whoever holds the span does not change the text meanwhile.
        get { unsafe _overrideLifetime(statusText.bytes, borrowing: self) }
    }

    /// Reply bytes that wait for the peer; a streaming handler stops writing when they grow.
    package var pendingReplyBytes: Int { reply.count - replySent }

    /// Makes a pooled call ready for a new stream.
    func reset(id: CallID, streamID: Int32, now: MonotonicTime) {
        self.id = id
        self.streamID = streamID
        receivedAt = now
        deadline = .distantFuture
        method = 0
        kind = .unary
        isPost = false
        hasGRPCContentType = false
        hasTE = false
        hasUnknownEncoding = false
        hasBadTimeout = false
        isKnownMethod = false
        timeoutNanoseconds = .max
        headerBytes = 0
        headerFields = 0
        areHeadersComplete = false
        unconsumedBytes = 0
        emptyDataFrames = 0
        refusal = nil
        hasEnded = false
        isClosed = false
        isQueued = false
        isPaused = false
        isAnnounced = false
        isHalfCloseAnnounced = false
        replySent = 0
        replyCount = 0
        isResponseSubmitted = false
        isDeferred = false
        isAnswered = false
        status = .ok
        stallDeadline = .distantFuture
        statusText.removeAll()
        retryPushbackMilliseconds = nil
    }

    /// Bytes that the buffers hold on to.
    var bufferBytes: Int { received.capacity + reply.capacity + statusText.capacity }

    /// Empties the buffers, and gives up those that a large message has grown.
    func empty() {
        received.removeAll(keepingCapacityUpTo: Self.pooledBytesMax)
        if reply.capacity > Self.pooledBytesMax {
            reply = ByteBuffer(capacity: 512)
        } else {
            reply.removeAll()
        }
    }
}
