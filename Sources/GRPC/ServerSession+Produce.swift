// SPDX-License-Identifier: Apache-2.0

package import Base
internal import CNGHTTP2

/// Bytes for the peer.
extension ServerSession {
    /// One `produce` stops after about this many bytes; ask again while ``wantsProduce``.
    package static let producedBytesMax = 256 << 10

    /// Appends frames that wait to be sent, as far as the peer's windows allow.
    package func produce(into buffer: inout ByteBuffer, now: MonotonicTime) {
        self.now = now
        guard !isBroken else { return }
        finishDrainIfDue()
        // Safe: the pointer is used by `copyReply` during this call only; in between, nothing else
        // touches the buffer.
        unsafe withUnsafeMutablePointer(to: &buffer) { pointer in
            unsafe output = pointer
            let end = unsafe pointer.pointee.count + Self.producedBytesMax
            while unsafe pointer.pointee.count < end {
                var bytes: UnsafePointer<UInt8>?
                let count = unsafe nghttp2_session_mem_send(session, &bytes)
                guard count > 0, let start = unsafe bytes else {
                    // NO_COPY frames are written by the callback; mem_send goes on behind them.
                    if count < 0 { isBroken = true }
                    break
                }
                unsafe pointer.pointee.append(Span(_unsafeStart: start, count: count))
            }
            unsafe output = nil
        }
    }

    /// Copies a DATA frame's header and `count` reply bytes to the output (`send_data_callback`).
    @unsafe func copyReply(
        of call: Call, header: UnsafePointer<UInt8>, count: Int
    ) -> Int32 {
        // Safe: nghttp2 calls this within `produce`, with a header of 9 bytes.
        unsafe output!.pointee.append(Span(_unsafeStart: header, count: 9))
        let end = call.replySent + count
        unsafe output!.pointee.append(call.reply.bytes.extracting(call.replySent..<end))
        call.replySent = end
        pendingReplyBytes -= count
        if call.isAnswered {
            call.stallDeadline = now.advanced(byNanoseconds: limits.replyStallNanosecondsMax)
        }
        if end == call.reply.count {
            call.reply.removeAll()
            call.replySent = 0
        } else if end > Call.pooledBytesMax {
            call.reply.removeFirst(end)
            call.replySent = 0
        }
        return 0
    }

    /// Notes what left: the end of an answer may leave a request behind that nobody reads.
    @unsafe func frameSent(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        let header = unsafe frame.pointee.hd
        switch UInt32(header.type) {
        case NGHTTP2_DATA.rawValue:
            budget.dataFrameSent()
        case NGHTTP2_HEADERS.rawValue:
            if header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 {
                resetUnfinishedRequest(header.stream_id)
            }
        case NGHTTP2_RST_STREAM.rawValue:
            let code = unsafe frame.pointee.rst_stream.error_code
            if code != NGHTTP2_NO_ERROR.rawValue, !budget.allowsProvokedReset(now: now) {
                violation = violation ?? "too many streams had to be reset"
            }
        default:
            break
        }
        return 0
    }

    private func resetUnfinishedRequest(_ stream: Int32) {
        guard let pointer = unsafe nghttp2_session_get_stream_user_data(session, stream) else {
            return
        }
        let hasEnded = unsafe withCall(pointer) { $0.hasEnded }
        guard !hasEnded else { return }
        unsafe nghttp2_submit_rst_stream(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, NGHTTP2_NO_ERROR.rawValue)
    }
}
