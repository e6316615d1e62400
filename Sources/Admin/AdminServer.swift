// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CMicroHTTPD

/// A running admin port; it closes when the value ends.
///
/// Owns an `MHD_Daemon` with its polling thread and listening socket.
@safe package struct AdminServer: ~Copyable, @unchecked Sendable {
    /// The port that it listens on; the real one if 0 was asked for.
    package let port: UInt16

    private let daemon: OpaquePointer
    private let context: Unmanaged<Context>

    /// What libmicrohttpd hands back to the callback.
    fileprivate final class Context: Sendable {
        let pages: AdminPages
        init(pages: AdminPages) { self.pages = pages }
    }

    private init(port: UInt16, daemon: OpaquePointer, context: Unmanaged<Context>) {
        self.port = port
        unsafe self.daemon = daemon
        unsafe self.context = context
    }

    /// Opens the port and answers on a thread of its own.
    ///
    /// - Parameters:
    ///   - address: a numeric IPv4 or IPv6 address.
    ///   - port: 0 takes any free one.
    package static func start(
        address: String = "127.0.0.1", port: UInt16, pages: AdminPages,
        limits: AdminLimits = AdminLimits()
    ) throws(AdminError) -> AdminServer {
        var realPort: UInt16 = 0
        // Safe: the pointers are used within the call.
        let socket = unsafe kassa_admin_listen(address, port, &realPort)
        guard socket >= 0 else {
            throw AdminError(errorNumber: -socket, address: address, port: port)
        }
        // Released by deinit, after the daemon's thread has ended.
        let context = unsafe Unmanaged.passRetained(Context(pages: pages))
        let daemon = unsafe kassa_admin_start(
            socket, answer, context.toOpaque(), limits.connectionsMax,
            limits.idleTimeoutSeconds, limits.connectionMemoryBytes)
        guard let daemon = unsafe daemon else {
            // The socket stays open: libmicrohttpd does not say whether it has closed it already.
            unsafe context.release()
            throw .notStarted
        }
        return unsafe AdminServer(port: realPort, daemon: daemon, context: context)
    }

    /// Closes the port and all connections, and waits for the thread's end.
    package consuming func stop() {}

    deinit {
        // Safe: MHD_stop_daemon joins the thread, so that no callback runs when the context goes.
        unsafe MHD_stop_daemon(daemon)
        unsafe context.release()
    }
}

/// The `MHD_AccessHandlerCallback`: called when the headers are there, and again for the answer.
@c private func answer(
    context: UnsafeMutableRawPointer?,
    connection: OpaquePointer?,
    path: UnsafePointer<CChar>?,
    method: UnsafePointer<CChar>?,
    version: UnsafePointer<CChar>?,
    uploaded: UnsafePointer<CChar>?,
    uploadedCount: UnsafeMutablePointer<Int>?,
    request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    // Safe: libmicrohttpd gives all of these, and the context outlives its thread.
    guard let context = unsafe context, let connection = unsafe connection,
        let path = unsafe path, let method = unsafe method, let request = unsafe request
    else { return .NO }
    let pages = unsafe Unmanaged<AdminServer.Context>.fromOpaque(context)
        .takeUnretainedValue().pages
    let name = unsafe String(cString: method)
    let hasBody = unsafe announcesBody(connection)
    // An answer in the first call closes the connection without reading the body. One that may
    // keep the connection waits for the second call.
    if unsafe request.pointee == nil, !hasBody {
        unsafe request.pointee = UnsafeMutableRawPointer(bitPattern: 1)
        return .YES
    }
    let response = pages.response(
        method: name, path: unsafe String(cString: path), hasBody: hasBody)
    return unsafe queue(response, on: connection)
}

/// Whether the request's headers say that a body follows.
@unsafe private func announcesBody(_ connection: OpaquePointer) -> Bool {
    // Safe: the strings live as long as the request and are only looked at here.
    if unsafe MHD_lookup_connection_value(connection, .HEADER_KIND, "Transfer-Encoding") != nil {
        return true
    }
    let length = unsafe MHD_lookup_connection_value(connection, .HEADER_KIND, "Content-Length")
    guard let length = unsafe length else { return false }
    return unsafe String(cString: length).utf8.contains { $0 != 0x30 }
}

/// Hands the answer to libmicrohttpd, which copies it and leaves the body out for HEAD.
@unsafe private func queue(_ answer: borrowing AdminResponse, on connection: OpaquePointer)
    -> MHD_Result
{
    // Safe: the bytes are copied before the closure ends.
    let response = unsafe answer.body.bytes.withUnsafeBufferPointer { bytes in
        unsafe MHD_create_response_from_buffer(
            bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress),
            .RESPMEM_MUST_COPY)
    }
    guard let response = unsafe response else { return .NO }
    // The connection keeps a reference of its own.
    defer { unsafe MHD_destroy_response(response) }
    for field in answer.fields {
        guard unsafe MHD_add_response_header(response, field.name, field.value) == .YES else {
            return .NO
        }
    }
    return unsafe MHD_queue_response(connection, answer.status, response)
}
