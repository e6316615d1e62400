// SPDX-License-Identifier: Apache-2.0

package import Base
internal import CNGHTTP2

/// The server's side of one HTTP/2 connection that carries gRPC calls, without I/O.
///
/// Belongs to one thread. nghttp2's callbacks only take notes in calls and counters; everything
/// that answers happens in ``nextEvent()``, between `receive` and `produce`.
@safe package final class ServerSession {
    /// Whether a connection goes on after bytes were received.
    package enum Outcome: Sendable {
        case proceed
        /// Produce what is left to say, then close.
        case close
    }

    /// What the session accepts.
    package let limits: Limits
    let methods: MethodTable
    let memory: SessionMemory
    let fields = ResponseFields.shared
    /// nghttp2's session; set by the end of init.
    var session: OpaquePointer!

    // Calls by slot, the slots free for new ones, and the calls that have something to say.
    var slots: [Call?] = []
    var freeSlots: [UInt32] = []
    var nextGeneration: UInt32 = 1
    var openCalls = 0
    var ready: [CallID] = []
    var readyStart = 0
    /// The call of the last event.
    var lent: Call?

    var now: MonotonicTime
    var budget: FrameBudget
    var timers: SessionTimers
    var receivedBytesHeld = 0 {
        didSet { memory.receivedBytesHeld += receivedBytesHeld - oldValue }
    }
    var consumedBytes = 0
    /// Reply bytes of all calls that the peer has not taken.
    package internal(set) var pendingReplyBytes = 0
    var violation: StaticString?
    var violationCode: UInt32 = NGHTTP2_ENHANCE_YOUR_CALM.rawValue
    var isLastGoawayDue = false
    var isTerminating = false
    var isBroken = false
    /// Where `produce` writes, while it runs.
    var output: UnsafeMutablePointer<ByteBuffer>?

    /// Requests without `te: trailers`, which are served all the same.
    package internal(set) var requestsWithoutTE: UInt64 = 0
    /// Calls whose headers arrived.
    package internal(set) var callsStarted: UInt64 = 0
    /// Calls that were answered here: refused before they reached a handler, or past their deadline.
    package internal(set) var callsRefused: UInt64 = 0

    /// A session that answers `methods` and has its SETTINGS ready to be sent.
    package init(
        methods: MethodTable, limits: Limits = Limits(), memory: SessionMemory, now: MonotonicTime
    ) {
        self.methods = methods
        self.limits = limits
        self.memory = memory
        self.now = now
        budget = FrameBudget(limits)
        timers = SessionTimers(limits, now: now)
        slots.reserveCapacity(limits.concurrentStreamsMax)
        freeSlots.reserveCapacity(limits.concurrentStreamsMax)
        ready.reserveCapacity(limits.callsMax)
        var functions = unsafe memory.functions()
        // Safe: self outlives the session, which its deinit deletes.
        let result = unsafe nghttp2_session_server_new3(
            &session, ServerCallbacks.shared.callbacks, Unmanaged.passUnretained(self).toOpaque(),
            SessionOptions(limits).options, &functions)
        precondition(result == 0, "nghttp2 has no memory for a session")
        submitSettings()
    }

    deinit {
        memory.receivedBytesHeld -= receivedBytesHeld
        // Safe: nobody else holds the session.
        unsafe nghttp2_session_del(session)
    }

    private func submitSettings() {
        let noPriorities = Int32(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES.rawValue)
        var entries = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
                value: UInt32(limits.concurrentStreamsMax)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
                value: UInt32(limits.streamWindowBytes)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(limits.headerBytesMax)),
            nghttp2_settings_entry(settings_id: noPriorities, value: 1),
        ]
        // Safe: nghttp2 copies the entries.
        let result = unsafe nghttp2_submit_settings(session, 0, &entries, entries.count)
        precondition(result == 0)
        let window = Int32(limits.connectionWindowBytes)
        precondition(unsafe nghttp2_session_set_local_window_size(session, 0, 0, window) == 0)
    }

    /// Takes bytes of the peer; ask for events afterwards, then produce.
    package func receive(_ bytes: Span<UInt8>, now: MonotonicTime) -> Outcome {
        self.now = now
        guard !isTerminating else { return .close }
        // Safe: the bytes are valid during the call, and nghttp2 keeps none.
        let taken = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe nghttp2_session_mem_recv(session, buffer.baseAddress, buffer.count)
        }
        if taken < 0 {
            failReceiving(Int32(taken))
            return .close
        }
        if consumedBytes > 0 {
            // Safe: a plain call; the bytes were received on this connection.
            unsafe nghttp2_session_consume_connection(session, consumedBytes)
            consumedBytes = 0
        }
        if let violation { terminate(violationCode, violation) }
        let queued = unsafe nghttp2_session_get_outbound_queue_size(session)
        if queued > limits.outboundFramesMax {
            terminate(NGHTTP2_ENHANCE_YOUR_CALM.rawValue, "too many frames to answer")
        }
        return isTerminating ? .close : .proceed
    }

    /// After a fatal error of nghttp2 nothing more is read; say why, if the peer can understand it.
    private func failReceiving(_ code: Int32) {
        if code == NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue {
            isBroken = true
            isTerminating = true
        } else if let violation {
            terminate(violationCode, violation)
        } else if code == NGHTTP2_ERR_FLOODED.rawValue {
            terminate(NGHTTP2_ENHANCE_YOUR_CALM.rawValue, "too many frames to answer")
        } else {
            terminate(NGHTTP2_PROTOCOL_ERROR.rawValue, "malformed frames")
        }
    }

    /// Says goodbye with `code` and lets the connection close once that is sent.
    func terminate(_ code: UInt32, _ reason: StaticString) {
        guard !isTerminating else { return }
        isTerminating = true
        // Safe: nghttp2 copies the debug data.
        unsafe nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue),
            nghttp2_session_get_last_proc_stream_id(session), code, reason.utf8Start,
            reason.utf8CodeUnitCount)
    }

    /// Tells the session the time, before it is given an answer in a turn that received nothing.
    package func advance(to now: MonotonicTime) {
        self.now = now
    }

    /// Whether ``produce(into:now:)`` would write something.
    package var wantsProduce: Bool {
        if isBroken { return false }
        if isLastGoawayDue || (violation != nil && !isTerminating) { return true }
        return unsafe nghttp2_session_want_write(session) != 0
    }

    /// Whether the connection should be closed once everything produced is sent.
    package var wantsClose: Bool {
        if isBroken { return true }
        if isTerminating { return !wantsProduce }
        return unsafe nghttp2_session_want_read(session) == 0 && !wantsProduce
    }

    /// Calls that are open on this connection.
    package var callCount: Int { openCalls }

    /// The live call that `id` names, or nil if it has ended.
    package func call(_ id: CallID) -> Call? {
        guard id.slot < slots.count, let call = slots[Int(id.slot)], call.id == id else {
            return nil
        }
        return call
    }
}
