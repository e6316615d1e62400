// SPDX-License-Identifier: Apache-2.0

package import Base
internal import CNGHTTP2

/// Deadlines, and the orderly end of a connection.
extension ServerSession {
    /// When ``tick(now:)`` has something to do.
    package var nextDeadline: MonotonicTime {
        if isTerminating { return .distantFuture }
        var first = timers.deadline(hasCalls: openCalls > 0)
        guard openCalls > 0 else { return first }
        for slot in slots.indices {
            if let call = slots[slot] {
                first = min(first, call.isAnswered ? call.stallDeadline : call.deadline)
            }
        }
        return first
    }

    /// Acts on what is due: calls past their deadline, a silent peer, the steps of a drain.
    ///
    /// Ask for events afterwards, then produce.
    package func tick(now: MonotonicTime) {
        self.now = now
        guard !isTerminating else { return }
        for slot in slots.indices {
            if let call = slots[slot] { tick(call) }
        }
        if isTerminating { return }
        while let action = timers.due(now: now, hasCalls: openCalls > 0) {
            switch action {
            case .settingsTimeout:
                terminate(NGHTTP2_SETTINGS_TIMEOUT.rawValue, "SETTINGS were not acknowledged")
            case .finishDrain:
                isLastGoawayDue = true
            case .giveUp:
                terminate(NGHTTP2_NO_ERROR.rawValue, "drained")
            case .idle, .oldAge:
                drain(now: now)
            }
        }
    }

    private func tick(_ call: Call) {
        if call.isAnswered {
            guard call.stallDeadline <= now else { return }
            call.stallDeadline = .distantFuture
            unsafe nghttp2_submit_rst_stream(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue), call.streamID, NGHTTP2_CANCEL.rawValue)
        } else if call.deadline <= now {
            guard call.areHeadersComplete else {
                // Its header block keeps every other stream waiting.
                return terminate(NGHTTP2_ENHANCE_YOUR_CALM.rawValue, "headers took too long")
            }
            call.deadline = .distantFuture
            call.refusal = .deadline
            enqueue(call)
        }
    }

    /// Begins the orderly end: no new calls, open ones finish, then ``wantsClose``.
    package func drain(now: MonotonicTime) {
        guard !timers.isDraining, !isTerminating else { return }
        timers.drainBegan(now: now)
        // Safe: plain calls; a nil payload means eight zero bytes.
        unsafe nghttp2_submit_shutdown_notice(session)
        unsafe nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
    }

    /// Sends the GOAWAY that names the last stream, when the peer has seen the first one.
    func finishDrainIfDue() {
        if let violation { terminate(violationCode, violation) }
        guard isLastGoawayDue else { return }
        isLastGoawayDue = false
        // Safe: a plain call without debug data.
        unsafe nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue),
            nghttp2_session_get_last_proc_stream_id(session), NGHTTP2_NO_ERROR.rawValue, nil, 0)
    }
}
