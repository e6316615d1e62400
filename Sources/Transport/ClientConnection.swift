// SPDX-License-Identifier: Apache-2.0

package import Base
internal import CLinux

/// A blocking TCP connection for command-line and benchmark clients.
@safe package struct ClientConnection: ~Copyable {
    private let socket: Descriptor

    /// Connects to a numeric address.
    package init(host: String, port: UInt16) throws(SocketError) {
        socket = try unsafe withSocket(host: host, port: port, flags: 0) {
            socket, address, size throws(SocketError) in
            guard unsafe connect(socket.rawValue, address, size) == 0 else {
                throw .last("connect")
            }
            _ = kassa_set_option(socket.rawValue, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            return socket
        }
    }

    /// The descriptor, for whoever polls several connections.
    package var descriptor: Int32 { socket.rawValue }

    /// Sends all of `bytes`, waiting as long as the peer takes none.
    package func send(_ bytes: Span<UInt8>) throws(SocketError) {
        var sent = 0
        while sent < bytes.count {
            // Safe: the bytes live during the call.
            let count = unsafe bytes.extracting(droppingFirst: sent).withUnsafeBufferPointer {
                unsafe CLinux.send(
                    socket.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if kassa_errno() != EINTR {
                throw .last("send")
            }
        }
    }

    /// Appends what arrives to `buffer`, waiting for at most `timeoutMilliseconds` (-1: for ever).
    ///
    /// Returns the count of bytes; throws `closed` at the end of the stream.
    @discardableResult
    package func receive(
        into buffer: inout ByteBuffer, byteCountMax: Int = 64 << 10, timeoutMilliseconds: Int32 = -1
    ) throws(SocketError) -> Int {
        do {
            var entry = pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0)
            // Safe: one entry, a local.
            let count = unsafe poll(&entry, 1, timeoutMilliseconds)
            if count == 0 { throw .timedOut }
            if count < 0 { throw .last("poll") }
        }
        var received = 0
        // Safe: recv writes at most the room it is given.
        unsafe buffer.appendUninitialized(byteCountMax) { room in
            received = unsafe recv(socket.rawValue, room.baseAddress, room.count, 0)
            return max(0, received)
        }
        if received > 0 { return received }
        if received == 0 { throw .closed }
        throw .last("recv")
    }
}
