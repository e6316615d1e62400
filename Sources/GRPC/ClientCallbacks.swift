// SPDX-License-Identifier: Apache-2.0

internal import CNGHTTP2

/// The functions that nghttp2 calls for every client session; each takes a note and returns.
@safe struct ClientCallbacks: @unchecked Sendable {
    static let shared = ClientCallbacks()

    let callbacks: OpaquePointer

    private init() {
        var made: OpaquePointer?
        // Safe: the table is made once and never freed.
        let result = unsafe nghttp2_session_callbacks_new(&made)
        precondition(result == 0, "nghttp2 has no memory for callbacks")
        unsafe callbacks = made!
        unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            session, frame, name, nameCount, value, valueCount, _, _ in
            // Safe: nghttp2 lends the bytes for the time of the call.
            let stream = unsafe frame!.pointee.hd.stream_id
            guard let call = unsafe nghttp2_session_get_stream_user_data(session, stream) else {
                return 0
            }
            return unsafe withClientCall(call) { call in
                unsafe call.takeHeader(
                    name: Span(_unsafeStart: name!, count: nameCount),
                    value: Span(_unsafeStart: value!, count: valueCount))
                return 0
            }
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            session, _, stream, bytes, count, user in
            guard let call = unsafe nghttp2_session_get_stream_user_data(session, stream) else {
                return 0
            }
            unsafe withClient(user) { session in
                unsafe withClientCall(call) { call in
                    unsafe session.dataArrived(call, Span(_unsafeStart: bytes!, count: count))
                }
            }
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) {
            session, stream, code, user in
            guard let call = unsafe nghttp2_session_get_stream_user_data(session, stream) else {
                return 0
            }
            unsafe withClient(user) { session in
                unsafe withClientCall(call) { session.streamClosed($0, code: code) }
            }
            return 0
        }
        unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks) {
            _, _, header, count, source, user in
            unsafe withClient(user) { session in
                unsafe withClientCall(source!.pointee.ptr) { call in
                    unsafe session.copyRequest(of: call, header: header!, count: count)
                }
            }
        }
    }
}

@unsafe private func withClient<Result>(
    _ user: UnsafeMutableRawPointer?, _ body: (ClientSession) -> Result
) -> Result {
    // Safe: the pointer is the one that the session's init passed; the session is alive.
    unsafe Unmanaged<ClientSession>.fromOpaque(user!)._withUnsafeGuaranteedRef { body($0) }
}

/// Runs `body` on the call that a stream or a data source points to.
@unsafe func withClientCall<Result>(
    _ pointer: UnsafeMutableRawPointer?, _ body: (ClientCall) -> Result
) -> Result {
    // Safe: a call stays in its session's slot table until its stream has closed.
    unsafe Unmanaged<ClientCall>.fromOpaque(pointer!)._withUnsafeGuaranteedRef { body($0) }
}
