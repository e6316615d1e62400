// SPDX-License-Identifier: Apache-2.0

package import Base
internal import CNGHTTP2

/// Answering calls.
extension ServerSession {
    /// Frames `message` as one reply of the call.
    package func reply(_ call: Call, message: Span<UInt8>) {
        withReplyBuffer(call) { buffer in buffer.append(message) }
    }

    /// Lends the call's send buffer to `body`, which appends one reply message to it.
    ///
    /// The prefix is filled in afterwards, so that a response is encoded where it is sent from. When
    /// `body` throws, nothing of the message remains.
    package func withReplyBuffer<Failure: Error>(
        _ call: Call, _ body: (inout ByteBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        guard !call.isClosed, !call.isAnswered else { return }
        precondition(
            call.replyCount == 0 || !call.kind.hasSingleReply, "a unary call has one reply")
        let start = call.reply.count
        call.reply.appendZeros(MessageBuffer.prefixBytes)
        do {
            try body(&call.reply)
        } catch {
            call.reply.truncate(to: start)
            throw error
        }
        precondition(call.reply.count >= start + MessageBuffer.prefixBytes)
        let length = call.reply.count - start - MessageBuffer.prefixBytes
        precondition(length <= UInt32.max)
        var prefix = call.reply.mutableBytes
        for index in 1..<MessageBuffer.prefixBytes {
            prefix[start + index] = UInt8(truncatingIfNeeded: length >> (8 * (4 - index)))
        }
        call.replyCount += 1
        pendingReplyBytes += length + MessageBuffer.prefixBytes
        // The one reply of a unary call leaves with its trailers.
        if !call.kind.hasSingleReply { submitOrResume(call) }
    }

    /// Ends the call; a second end of the same call changes nothing.
    ///
    /// Status 0 of a call that owes a reply and has none becomes INTERNAL.
    package func finish(_ call: Call, status: Status, message: StaticString = "") {
        // Safe: a static string's bytes live for ever.
        let text = unsafe Span(
            _unsafeStart: message.utf8Start, count: message.utf8CodeUnitCount)
        finish(call, status: status, message: text)
    }

    /// Ends the call with a message that is percent-encoded and cut to its limit.
    ///
    /// `retryPushbackMilliseconds` tells a client that retries by itself when to do so (gRFC A6).
    package func finish(
        _ call: Call, status: Status, message: Span<UInt8>,
        retryPushbackMilliseconds: UInt32? = nil
    ) {
        guard !call.isClosed, !call.isAnswered else { return }
        if status == .ok, call.kind.hasSingleReply, call.replyCount == 0 {
            return answer(call, .noReply)
        }
        call.isAnswered = true
        call.status = status
        call.retryPushbackMilliseconds = retryPushbackMilliseconds
        call.stallDeadline = now.advanced(byNanoseconds: limits.replyStallNanosecondsMax)
        if message.count > 0 {
            appendPercentEncoded(
                message, to: &call.statusText, byteCountMax: limits.statusMessageBytesMax)
        }
        if status != .ok, !call.isResponseSubmitted {
            submitTrailersOnly(call, acceptEncoding: false)
        } else {
            submitOrResume(call)
        }
    }

    /// Answers with a refusal of the session's own.
    func answer(_ call: Call, _ refusal: Refusal) {
        guard refusal.httpStatus == 200 else {
            call.isAnswered = true
            return submitStatusOnly(call, refusal.httpStatus)
        }
        // Safe: as above.
        let text = unsafe Span(
            _unsafeStart: refusal.message.utf8Start, count: refusal.message.utf8CodeUnitCount)
        guard !call.isResponseSubmitted else {
            return finish(
                call, status: refusal.status, message: text,
                retryPushbackMilliseconds: refusal.retryMilliseconds)
        }
        call.isAnswered = true
        call.status = refusal.status
        call.retryPushbackMilliseconds = refusal.retryMilliseconds
        appendPercentEncoded(
            text, to: &call.statusText, byteCountMax: limits.statusMessageBytesMax)
        submitTrailersOnly(call, acceptEncoding: call.hasUnknownEncoding)
    }

    /// Starts the response, or wakes it when it waits for bytes.
    private func submitOrResume(_ call: Call) {
        if call.isResponseSubmitted {
            guard call.isDeferred else { return }
            call.isDeferred = false
            unsafe nghttp2_session_resume_data(session, call.streamID)
            return
        }
        call.isResponseSubmitted = true
        // Safe: the slot table retains the call until its stream has closed; fields are immortal.
        var provider = unsafe nghttp2_data_provider(
            source: nghttp2_data_source(ptr: Unmanaged.passUnretained(call).toOpaque()),
            read_callback: { _, _, _, count, flags, source, user in
                unsafe withCall(source!.pointee.ptr) { call in
                    unsafe Unmanaged<ServerSession>.fromOpaque(user!)._withUnsafeGuaranteedRef {
                        unsafe $0.readReply(of: call, countMax: count, flags: flags!)
                    }
                }
            })
        let result = unsafe nghttp2_submit_response(
            session, call.streamID, fields.initial, fields.initialCount, &provider)
        if result != 0 { resetAfterFailure(call) }
    }

    /// Tells nghttp2 how many bytes of the reply may go into a DATA frame.
    @unsafe private func readReply(
        of call: Call, countMax: Int, flags: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let available = call.reply.count - call.replySent
        guard available > 0 || call.isAnswered else {
            call.isDeferred = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        let count = min(available, countMax)
        unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
        if count == available, call.isAnswered {
            unsafe flags.pointee |=
                NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
            submitTrailers(call)
        }
        return count
    }

    private func submitTrailers(_ call: Call) {
        let status = unsafe fields.statuses + Int(call.status.rawValue)
        guard !call.statusText.isEmpty || call.retryPushbackMilliseconds != nil else {
            // Safe: the fields are immortal.
            unsafe nghttp2_submit_trailer(session, call.streamID, status, 1)
            return
        }
        unsafe withFields(call) { list, count in
            unsafe list[0] = status.pointee
            _ = unsafe appendPushback(call, list, appendMessage(call, list, 1)) { count in
                unsafe nghttp2_submit_trailer(session, call.streamID, list, count)
            }
        }
    }

    private func submitTrailersOnly(_ call: Call, acceptEncoding: Bool) {
        call.isResponseSubmitted = true
        let result = unsafe withFields(call) { list, count in
            unsafe list[0] = fields.initial[0]
            unsafe list[1] = fields.initial[1]
            unsafe list[2] = fields.statuses[Int(call.status.rawValue)]
            var count = unsafe appendMessage(call, list, 3)
            if acceptEncoding {
                unsafe list[count] = fields.acceptEncoding
                count += 1
            }
            return unsafe appendPushback(call, list, count) { count in
                unsafe nghttp2_submit_response(session, call.streamID, list, count, nil)
            }
        }
        if result != 0 { resetAfterFailure(call) }
    }

    private func submitStatusOnly(_ call: Call, _ status: Int) {
        call.isResponseSubmitted = true
        let result = unsafe withFields(call) { list, _ in
            unsafe list[0] = status == 405 ? fields.methodNotAllowed : fields.unsupportedMediaType
            return unsafe nghttp2_submit_response(session, call.streamID, list, 1, nil)
        }
        if result != 0 { resetAfterFailure(call) }
    }

    /// nghttp2 could not take the response, for want of memory: the stream cannot be answered.
    private func resetAfterFailure(_ call: Call) {
        unsafe nghttp2_submit_rst_stream(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), call.streamID,
            NGHTTP2_INTERNAL_ERROR.rawValue)
    }

    /// Lends room for the fields of one response.
    @unsafe private func withFields<Result>(
        _ call: Call, _ body: (UnsafeMutablePointer<nghttp2_nv>, Int) -> Result
    ) -> Result {
        unsafe withUnsafeTemporaryAllocation(
            of: nghttp2_nv.self, capacity: ResponseFields.fieldsMax
        ) { unsafe body($0.baseAddress!, ResponseFields.fieldsMax) }
    }

    /// Puts `grpc-message` at `list[count]` if there is one; returns the count afterwards.
    @unsafe private func appendMessage(
        _ call: Call, _ list: UnsafeMutablePointer<nghttp2_nv>, _ count: Int
    ) -> Int {
        guard !call.statusText.isEmpty else { return count }
        unsafe call.statusBytes.withUnsafeBufferPointer {
            unsafe list[count] = copiedField("grpc-message", $0)
        }
        return count + 1
    }

    /// Puts `grpc-retry-pushback-ms` at `list[count]` if there is one, for the length of `submit`.
    @unsafe private func appendPushback(
        _ call: Call, _ list: UnsafeMutablePointer<nghttp2_nv>, _ count: Int,
        _ submit: (Int) -> Int32
    ) -> Int32 {
        guard var left = call.retryPushbackMilliseconds else { return submit(count) }
        return unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 10) { digits in
            var start = 10
            repeat {
                start -= 1
                unsafe digits[start] = UInt8(ascii: "0") + UInt8(left % 10)
                left /= 10
            } while left > 0
            // Safe: nghttp2 copies the value before the submitting call returns.
            unsafe list[count] = copiedField(
                "grpc-retry-pushback-ms", UnsafeBufferPointer(rebasing: digits[start...]))
            return submit(count + 1)
        }
    }
}
