// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CNGHTTP2

/// What the callbacks note while bytes are received.
extension ServerSession {
    private static let proceed: Int32 = 0
    /// Makes nghttp2 reset the stream and go on.
    private static let resetStream = Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)

    /// The first violation of a turn ends the connection once nghttp2 has returned.
    private func violate(_ reason: StaticString) {
        if violation == nil { violation = reason }
    }

    /// The call of a stream, or nil once it has been released.
    @unsafe private func openCall(_ stream: Int32) -> Unmanaged<Call>? {
        // Safe: the user data is nil or what `headersBegin` set.
        guard let pointer = unsafe nghttp2_session_get_stream_user_data(session, stream) else {
            return nil
        }
        return unsafe Unmanaged<Call>.fromOpaque(pointer)
    }

    func frameBegins(_ type: UInt8) -> Int32 {
        switch UInt32(type) {
        case NGHTTP2_PRIORITY.rawValue:
            if !budget.allowsPriority() { violate("too many PRIORITY frames") }
        case NGHTTP2_WINDOW_UPDATE.rawValue:
            if !budget.allowsWindowUpdate() { violate("too many WINDOW_UPDATE frames") }
        default:
            break
        }
        return Self.proceed
    }

    @unsafe func headersBegin(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        guard unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST else { return Self.proceed }
        let stream = unsafe frame.pointee.hd.stream_id
        guard let call = acquireCall(stream) else {
            unsafe nghttp2_submit_rst_stream(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream,
                NGHTTP2_REFUSED_STREAM.rawValue)
            return Self.resetStream
        }
        // Safe: the slot table retains the call until the stream has closed.
        unsafe nghttp2_session_set_stream_user_data(
            session, stream, Unmanaged.passUnretained(call).toOpaque())
        budget.requestArrived()
        return Self.proceed
    }

    @unsafe func headerArrived(
        _ frame: UnsafePointer<nghttp2_frame>, _ name: Span<UInt8>, _ value: Span<UInt8>
    ) -> Int32 {
        guard let call = unsafe openCall(frame.pointee.hd.stream_id) else {
            return Self.resetStream
        }
        return unsafe call._withUnsafeGuaranteedRef { call in
            call.headerFields += 1
            call.headerBytes += name.count + value.count + 32
            guard call.headerFields <= limits.headerFieldsMax,
                call.headerBytes <= limits.headerBytesMax
            else {
                if !budget.allowsHeaderViolation() { violate("too many header bytes") }
                return Self.resetStream
            }
            if !call.areHeadersComplete {
                call.takeHeader(name: name, value: value, methods: methods)
            }
            return Self.proceed
        }
    }

    @unsafe func frameArrived(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        let header = unsafe frame.pointee.hd
        switch UInt32(header.type) {
        case NGHTTP2_HEADERS.rawValue, NGHTTP2_DATA.rawValue:
            guard let call = unsafe openCall(header.stream_id) else { break }
            unsafe call._withUnsafeGuaranteedRef { requestFrameArrived($0, header) }
        case NGHTTP2_RST_STREAM.rawValue:
            guard let call = unsafe openCall(header.stream_id) else { break }
            unsafe call._withUnsafeGuaranteedRef { judgeReset($0) }
        case NGHTTP2_PING.rawValue:
            if isAcknowledgement(header) {
                if timers.drainPingAcknowledged() { isLastGoawayDue = true }
            } else if !budget.allowsPing(now: now) {
                violate("too_many_pings")
            }
        case NGHTTP2_SETTINGS.rawValue:
            if isAcknowledgement(header) {
                timers.settingsAcknowledged()
            } else if !budget.allowsSettings(now: now) {
                violate("too many SETTINGS frames")
            }
        default:
            break
        }
        return Self.proceed
    }

    /// Clients cancel, most of all when their deadline passes; whoever cancels most of its calls
    /// early is not using their answers.
    private func judgeReset(_ call: Call) {
        let age = now.nanoseconds(since: call.receivedAt)
        let isEarly = call.timeoutNanoseconds == .max || age < call.timeoutNanoseconds / 2
        guard isEarly, age < limits.youngStreamNanoseconds else { return }
        if !budget.allowsPrematureReset() { violate("too many streams were reset early") }
    }

    private func isAcknowledgement(_ header: nghttp2_frame_hd) -> Bool {
        header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
    }

    private func requestFrameArrived(_ call: Call, _ header: nghttp2_frame_hd) {
        let isEnd = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        if UInt32(header.type) == NGHTTP2_HEADERS.rawValue, !call.areHeadersComplete {
            headersComplete(call)
        } else if header.length == 0, !isEnd {
            call.emptyDataFrames += 1
            if call.emptyDataFrames > limits.emptyDataFramesMax {
                violate("too many empty DATA frames")
            }
        }
        if isEnd {
            call.hasEnded = true
            enqueue(call)
        }
    }

    private func headersComplete(_ call: Call) {
        call.areHeadersComplete = true
        callsStarted &+= 1
        timers.active(now: now)
        if !call.hasTE { requestsWithoutTE &+= 1 }
        let timeoutMax = call.kind == .unary ? limits.callTimeoutNanosecondsMax : UInt64.max
        let timeout = min(call.timeoutNanoseconds, timeoutMax)
        call.deadline = now.advanced(byNanoseconds: timeout)
        if let refusal = call.headerVerdict() {
            call.refusal = refusal
            enqueue(call)
        }
    }

    func dataArrived(_ stream: Int32, _ bytes: Span<UInt8>) -> Int32 {
        consumedBytes += bytes.count
        guard let call = unsafe openCall(stream) else { return Self.proceed }
        unsafe call._withUnsafeGuaranteedRef { call in
            guard !call.isAnswered, call.refusal == nil else { return }
            if bytes.count > 0 { call.emptyDataFrames = 0 }
            guard receivedBytesHeld + bytes.count <= limits.receivedBytesMax else {
                call.refusal = .connectionFull
                return enqueue(call)
            }
            guard memory.receivedBytesHeld + bytes.count <= memory.receivedBytesMax else {
                call.refusal = .loopFull
                return enqueue(call)
            }
            receivedBytesHeld += bytes.count
            call.unconsumedBytes += bytes.count
            call.received.append(bytes)
            if call.kind.hasSingleRequest {
                call.refusal = call.received.singleMessageVerdict(
                    messageBytesMax: limits.messageBytesMax)
                // An unfinished request needs a visit only to give its window back.
                let isVisitDue = call.unconsumedBytes > limits.streamWindowBytes / 4
                if call.refusal != nil || isVisitDue { enqueue(call) }
            } else {
                budget.dataArrived()
                enqueue(call)
            }
        }
        return Self.proceed
    }

    func streamClosed(_ stream: Int32) -> Int32 {
        guard let call = unsafe openCall(stream) else { return Self.proceed }
        unsafe call._withUnsafeGuaranteedRef { call in
            call.isClosed = true
            timers.active(now: now)
            // What the peer will never take must not hold back the other calls.
            pendingReplyBytes -= call.pendingReplyBytes
            call.reply.removeAll()
            call.replySent = 0
            // A handler that still owes an answer is told; the slot is its until then.
            if call.isAnnounced, !call.isAnswered { enqueue(call) } else { release(call) }
        }
        return Self.proceed
    }
}
