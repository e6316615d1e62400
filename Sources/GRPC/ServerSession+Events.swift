// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CNGHTTP2

/// Handing calls out.
extension ServerSession {
    /// The next thing a handler should know, or nil when there is nothing until more bytes arrive.
    ///
    /// Nothing is handed out while too many reply bytes wait for the peer; see ``hasEvents``.
    /// Takes back the call of the event before: its message is gone and its window is given back.
    package func nextEvent() -> CallEvent? {
        if let lent { takeBack(lent) }
        guard pendingReplyBytes <= limits.pendingReplyBytesMax else { return nil }
        while let call = dequeue() {
            if let event = visit(call) {
                lent = call
                return event
            }
        }
        return nil
    }

    /// Whether ``nextEvent()`` should be asked again, because the peer has taken replies that held
    /// it back; look after each `produce`.
    package var hasEvents: Bool {
        readyStart < ready.count && pendingReplyBytes <= limits.pendingReplyBytesMax
    }

    private func takeBack(_ call: Call) {
        lent = nil
        guard let held = slots[Int(call.id.slot)], held === call else { return }
        guard !call.isClosed else { return release(call) }
        let before = call.received.count
        call.received.compact()
        receivedBytesHeld -= before - call.received.count
    }

    private func visit(_ call: Call) -> CallEvent? {
        if call.isClosed {
            if call.isAnnounced, !call.isAnswered { return .cancelled(call) }
            release(call)
            return nil
        }
        if call.isAnswered { return nil }
        if let refusal = call.refusal { return refuse(call, refusal) }
        if call.deadline <= now { return refuse(call, .deadline) }
        if call.isPaused { return nil }
        return call.kind.hasSingleRequest ? visitSingle(call) : visitStream(call)
    }

    /// Answers the call here; a handler that knows of it is told that it is over.
    private func refuse(_ call: Call, _ refusal: Refusal) -> CallEvent? {
        callsRefused &+= 1
        let wasAnnounced = call.isAnnounced
        answer(call, refusal)
        return wasAnnounced ? .cancelled(call) : nil
    }

    private func visitSingle(_ call: Call) -> CallEvent? {
        guard call.hasEnded else {
            consumeStream(call)
            return nil
        }
        if call.isAnnounced {
            guard call.kind == .serverStreaming, !call.isHalfCloseAnnounced else { return nil }
            call.isHalfCloseAnnounced = true
            return .halfClosed(call)
        }
        switch call.received.peek(messageBytesMax: limits.messageBytesMax) {
        case .refused(let refusal): return refuse(call, refusal)
        case .partial:
            return refuse(call, call.received.unreadCount == 0 ? .noMessage : .truncated)
        case .whole:
            call.received.take()
            guard call.received.unreadCount == 0 else { return refuse(call, .secondMessage) }
            call.isAnnounced = true
            if call.kind == .serverStreaming { enqueue(call) }
            return .message(call)
        }
    }

    private func visitStream(_ call: Call) -> CallEvent? {
        switch call.received.peek(messageBytesMax: limits.messageBytesMax) {
        case .refused(let refusal):
            return refuse(call, refusal)
        case .whole:
            call.received.take()
            call.isAnnounced = true
            enqueue(call)
            return .message(call)
        case .partial:
            guard call.hasEnded else {
                consumeStream(call)
                return nil
            }
            guard call.received.unreadCount == 0 else { return refuse(call, .truncated) }
            guard !call.isHalfCloseAnnounced else { return nil }
            call.isAnnounced = true
            call.isHalfCloseAnnounced = true
            return .halfClosed(call)
        }
    }

    /// Gives the stream's window back for everything that arrived.
    private func consumeStream(_ call: Call) {
        guard call.unconsumedBytes > 0 else { return }
        // Safe: a plain call; the bytes were received on this stream.
        unsafe nghttp2_session_consume_stream(session, call.streamID, call.unconsumedBytes)
        call.unconsumedBytes = 0
    }

    /// Stops handing out messages of a streaming call; the peer stops when its window is full.
    package func pause(_ call: Call) {
        call.isPaused = true
    }

    /// Goes on with a call that ``pause(_:)`` stopped; ask for events afterwards.
    package func resume(_ call: Call) {
        call.isPaused = false
        enqueue(call)
    }
}
