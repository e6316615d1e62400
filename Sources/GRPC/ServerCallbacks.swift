// SPDX-License-Identifier: Apache-2.0

internal import CNGHTTP2

/// The functions that nghttp2 calls for every server session; each takes a note and returns.
@safe struct ServerCallbacks: @unchecked Sendable {
    static let shared = ServerCallbacks()

    let callbacks: OpaquePointer

    private init() {
        var made: OpaquePointer?
        // Safe: the table is made once and never freed.
        let result = unsafe nghttp2_session_callbacks_new(&made)
        precondition(result == 0, "nghttp2 has no memory for callbacks")
        unsafe callbacks = made!
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) {
            _, frame, user in
            unsafe withServer(user) { unsafe $0.headersBegin(frame!) }
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            nghttp2, frame, name, nameCount, value, valueCount, _, user in
            unsafe withServer(user) { session in
                // Safe: nghttp2 lends the bytes for the time of the call.
                let name = unsafe Span(_unsafeStart: name!, count: nameCount)
                let value = unsafe Span(_unsafeStart: value!, count: valueCount)
                return unsafe session.headerArrived(frame!, name, value)
            }
        }
        unsafe nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) {
            _, header, user in
            unsafe withServer(user) { unsafe $0.frameBegins(header!.pointee.type) }
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, user in
            unsafe withServer(user) { unsafe $0.frameArrived(frame!) }
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            _, _, stream, bytes, count, user in
            unsafe withServer(user) { session in
                // Safe: as above.
                let bytes = unsafe Span(_unsafeStart: bytes!, count: count)
                return session.dataArrived(stream, bytes)
            }
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) {
            _, stream, _, user in
            unsafe withServer(user) { $0.streamClosed(stream) }
        }
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, user in
            unsafe withServer(user) { unsafe $0.frameSent(frame!) }
        }
        unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks) {
            _, _, header, count, source, user in
            unsafe withServer(user) { session in
                unsafe withCall(source!.pointee.ptr) { call in
                    unsafe session.copyReply(of: call, header: header!, count: count)
                }
            }
        }
    }
}

@unsafe private func withServer(
    _ user: UnsafeMutableRawPointer?, _ body: (ServerSession) -> Int32
) -> Int32 {
    // Safe: the pointer is the one that the session's init passed; the session is alive.
    unsafe Unmanaged<ServerSession>.fromOpaque(user!)._withUnsafeGuaranteedRef { body($0) }
}

/// Runs `body` on the call that a stream or a data source points to.
@unsafe func withCall<Result>(
    _ pointer: UnsafeMutableRawPointer?, _ body: (Call) -> Result
) -> Result {
    // Safe: a call stays in its session's slot table until its stream has closed.
    unsafe Unmanaged<Call>.fromOpaque(pointer!)._withUnsafeGuaranteedRef { body($0) }
}
