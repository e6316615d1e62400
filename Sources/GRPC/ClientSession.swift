// SPDX-License-Identifier: Apache-2.0

package import Base
internal import CNGHTTP2

/// The client's side of one HTTP/2 connection that carries gRPC calls, without I/O.
///
/// ```swift
/// let score = session.path("/kassa.v1.Scoring/Score")
/// session.unary(score, tag: 1, message: request.bytes, now: .now())
/// session.produce(into: &output)              // send it, then feed what comes back
/// _ = session.receive(bytes)
/// while let event = session.nextEvent() { ... }
/// ```
@safe package final class ClientSession {
    /// A method's path on this session, made once by ``path(_:)``.
    package struct Path: Sendable {
        let index: Int
    }

    let memory: SessionMemory
    let fields: RequestFields
    var session: OpaquePointer!
    var slots: [ClientCall?] = []
    var freeSlots: [UInt32] = []
    var freeCalls: [ClientCall] = []
    var nextGeneration: UInt32 = 1
    var openCalls = 0
    var ready: [CallID] = []
    var readyStart = 0
    var lent: ClientCall?
    var output: UnsafeMutablePointer<ByteBuffer>?
    var isBroken = false
    /// A call whose request was just sent whole and that another one waits for.
    var sentBeforeFollower: CallID?
    /// Largest reply that is accepted.
    let messageBytesMax: Int

    /// A session for `authority` (`host:port`) with its preface ready to be sent.
    package init(authority: String, memory: SessionMemory, messageBytesMax: Int = 64 << 20) {
        self.memory = memory
        self.messageBytesMax = messageBytesMax
        fields = RequestFields(authority: authority)
        var functions = unsafe memory.functions()
        // Safe: self outlives the session, which its deinit deletes.
        let result = unsafe nghttp2_session_client_new3(
            &session, ClientCallbacks.shared.callbacks, Unmanaged.passUnretained(self).toOpaque(),
            nil, &functions)
        precondition(result == 0, "nghttp2 has no memory for a session")
        var entries = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: 4 << 20),
        ]
        unsafe nghttp2_submit_settings(session, 0, &entries, entries.count)
        unsafe nghttp2_session_set_local_window_size(session, 0, 0, 16 << 20)
    }

    deinit {
        // Safe: nobody else holds the session.
        unsafe nghttp2_session_del(session)
    }

    /// Calls that have not finished.
    package var callCount: Int { openCalls }

    /// Whether ``produce(into:)`` would write something.
    package var wantsProduce: Bool {
        !isBroken && (unsafe nghttp2_session_want_write(session)) != 0
    }

    /// Whether the connection has no more use.
    package var wantsClose: Bool {
        if isBroken { return true }
        return unsafe nghttp2_session_want_read(session) == 0 && !wantsProduce
    }

    /// Prepares a method's path, such as `/kassa.v1.Scoring/Score`.
    package func path(_ path: String) -> Path {
        Path(index: fields.addPath(path))
    }

    /// Opens a call with one request; its reply comes as `.message` and `.finished`.
    ///
    /// Returns nil when the connection takes no more calls.
    ///
    /// - Parameter earlier: a unary call whose request is to be sent whole before this one: else requests
    ///   share the connection, and a later one may be whole before an earlier one.
    @discardableResult
    package func unary(
        _ path: Path, tag: Int, message: Span<UInt8>, timeoutNanoseconds: UInt64? = nil,
        behind earlier: CallID? = nil, now: MonotonicTime
    ) -> CallID? {
        let call = acquireCall(tag: tag, isUnary: true, now: now)
        frame(message, in: call)
        call.isHalfClosed = true
        if let earlier = earlier.flatMap({ self.call($0) }), earlier.pendingRequestBytes > 0,
            !earlier.isClosed, earlier.follower == nil
        {
            earlier.follower = call.id
            call.isHeldBack = true
        }
        return submit(call, path, timeoutNanoseconds)
    }

    /// Opens a streaming call; ``send(_:message:)`` and ``halfClose(_:)`` follow.
    package func open(
        _ path: Path, tag: Int, timeoutNanoseconds: UInt64? = nil, now: MonotonicTime
    ) -> CallID? {
        submit(acquireCall(tag: tag, isUnary: false, now: now), path, timeoutNanoseconds)
    }

    /// Sends one message on a streaming call; of an ended call nothing is sent.
    package func send(_ id: CallID, message: Span<UInt8>) {
        guard let call = call(id), !call.isHalfClosed, !call.isClosed else { return }
        frame(message, in: call)
        wake(call)
    }

    /// Says that no more messages follow.
    package func halfClose(_ id: CallID) {
        guard let call = call(id), !call.isHalfClosed, !call.isClosed else { return }
        call.isHalfClosed = true
        wake(call)
    }

    /// Resets the call; it finishes as CANCELLED.
    package func cancel(_ id: CallID) {
        guard let call = call(id), !call.isClosed else { return }
        unsafe nghttp2_submit_rst_stream(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), call.streamID, NGHTTP2_CANCEL.rawValue)
    }

    /// The live call that `id` names, or nil if it has ended.
    package func call(_ id: CallID) -> ClientCall? {
        guard id.slot < slots.count, let call = slots[Int(id.slot)], call.id == id else {
            return nil
        }
        return call
    }

    private func frame(_ message: Span<UInt8>, in call: ClientCall) {
        precondition(message.count <= UInt32.max)
        call.request.reserve(MessageBuffer.prefixBytes + message.count)
        call.request.append(0)
        for shift in stride(from: 24, through: 0, by: -8) {
            call.request.append(UInt8(truncatingIfNeeded: message.count >> shift))
        }
        call.request.append(message)
    }

    /// Lets the request be sent that was to follow this call's.
    func letFollow(_ call: ClientCall) {
        guard let next = call.follower.flatMap({ self.call($0) }) else { return }
        call.follower = nil
        next.isHeldBack = false
        wake(next)
    }

    private func wake(_ call: ClientCall) {
        guard call.isDeferred else { return }
        call.isDeferred = false
        unsafe nghttp2_session_resume_data(session, call.streamID)
    }

    private func submit(
        _ call: ClientCall, _ path: Path, _ timeoutNanoseconds: UInt64?
    ) -> CallID? {
        // Safe: the slot table retains the call until its stream has closed.
        let pointer = unsafe Unmanaged.passUnretained(call).toOpaque()
        var provider = unsafe nghttp2_data_provider(
            source: nghttp2_data_source(ptr: pointer),
            read_callback: { _, _, _, count, flags, source, _ in
                unsafe withClientCall(source!.pointee.ptr) { call in
                    unsafe call.readRequest(countMax: count, flags: flags!)
                }
            })
        let stream = unsafe fields.withFields(path.index, timeoutNanoseconds) { list, count in
            unsafe nghttp2_submit_request(session, nil, list, count, &provider, pointer)
        }
        guard stream > 0 else {
            release(call)
            return nil
        }
        call.streamID = stream
        return call.id
    }
}

extension ClientCall {
    /// Tells nghttp2 how many bytes of the request may go into a DATA frame.
    @unsafe func readRequest(countMax: Int, flags: UnsafeMutablePointer<UInt32>) -> Int {
        let available = request.count - requestSent
        guard !isHeldBack, available > 0 || isHalfClosed else {
            isDeferred = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        let count = min(available, countMax)
        unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
        if count == available, isHalfClosed {
            unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
        }
        return count
    }
}
