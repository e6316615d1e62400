// SPDX-License-Identifier: Apache-2.0

package import Base
internal import CLinux

/// A TCP connection for command-line and benchmark clients.
@safe package struct ClientConnection: ~Copyable {
    private let socket: Descriptor

    /// Connects to a numeric address within `timeoutMilliseconds` (-1: as long as the system tries).
    package init(
        host: String, port: UInt16, timeoutMilliseconds: Int32 = -1
    ) throws(SocketError) {
        socket = try unsafe withSocket(
            host: host, port: port, flags: Int32(SOCK_NONBLOCK.rawValue)
        ) {
            socket, address, size throws(SocketError) in
            let raw = socket.rawValue
            if unsafe connect(raw, address, size) != 0 {
                guard kassa_errno() == EINPROGRESS else { throw .last("connect") }
                try Self.finishConnecting(raw, timeoutMilliseconds)
            }
            _ = kassa_set_option(raw, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            return socket
        }
    }

    private static func finishConnecting(
        _ socket: Int32, _ timeoutMilliseconds: Int32
    ) throws(SocketError) {
        guard try wait(socket, for: Int16(POLLOUT), timeoutMilliseconds) != 0 else {
            throw .timedOut
        }
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        // Safe: both point to locals, and `size` says how long the first is.
        guard unsafe getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else {
            throw .last("getsockopt")
        }
        guard code == 0 else { throw .system(call: "connect", errno: code) }
    }

    /// The descriptor, for whoever polls several connections.
    package var descriptor: Int32 { socket.rawValue }

    /// Sends all of `bytes`, waiting as long as the peer takes none.
    package func send(_ bytes: Span<UInt8>) throws(SocketError) {
        var sent = 0
        while true {
            sent += try sendAvailable(bytes.extracting(droppingFirst: sent))
            if sent == bytes.count { return }
            _ = try Self.wait(socket.rawValue, for: Int16(POLLOUT), -1)
        }
    }

    /// Sends as much of `bytes` as the socket takes at once, and says how much.
    package func sendAvailable(_ bytes: Span<UInt8>) throws(SocketError) -> Int {
        var sent = 0
        while sent < bytes.count {
            // Safe: the bytes live during the call.
            let count = unsafe bytes.extracting(droppingFirst: sent).withUnsafeBufferPointer {
                unsafe CLinux.send(
                    socket.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if kassa_errno() == EAGAIN {
                break
            } else if kassa_errno() != EINTR {
                throw .last("send")
            }
        }
        return sent
    }

    /// Waits for at most `timeoutMilliseconds` (-1: for ever) until bytes have arrived, or until
    /// some can be sent if `forSending`; false if neither came about.
    package func wait(
        forSending: Bool, timeoutMilliseconds: Int32
    ) throws(SocketError) -> Bool {
        let events = Int16(POLLIN) | (forSending ? Int16(POLLOUT) : 0)
        return try Self.wait(socket.rawValue, for: events, timeoutMilliseconds) != 0
    }

    private static func wait(
        _ socket: Int32, for events: Int16, _ timeoutMilliseconds: Int32
    ) throws(SocketError) -> Int16 {
        var entry = pollfd(fd: socket, events: events, revents: 0)
        // Safe: one entry, a local. An interrupted wait starts anew.
        var count: Int32
        repeat {
            unsafe count = poll(&entry, 1, timeoutMilliseconds)
        } while count < 0 && kassa_errno() == EINTR
        if count < 0 { throw .last("poll") }
        return entry.revents
    }

    /// Appends what arrives to `buffer`, waiting for at most `timeoutMilliseconds` (-1: for ever).
    ///
    /// Returns the count of bytes; throws `closed` at the end of the stream.
    @discardableResult
    package func receive(
        into buffer: inout ByteBuffer, byteCountMax: Int = 64 << 10, timeoutMilliseconds: Int32 = -1
    ) throws(SocketError) -> Int {
        guard try Self.wait(socket.rawValue, for: Int16(POLLIN), timeoutMilliseconds) != 0 else {
            throw .timedOut
        }
        return try receiveAvailable(into: &buffer, byteCountMax: byteCountMax) ?? 0
    }

    /// Appends what has arrived to `buffer` without waiting; nil if that is nothing.
    ///
    /// Returns the count of bytes; throws `closed` at the end of the stream.
    package func receiveAvailable(
        into buffer: inout ByteBuffer, byteCountMax: Int = 64 << 10
    ) throws(SocketError) -> Int? {
        var received = 0
        // Safe: recv writes at most the room it is given.
        unsafe buffer.appendUninitialized(byteCountMax) { room in
            received = unsafe recv(socket.rawValue, room.baseAddress, room.count, 0)
            return max(0, received)
        }
        if received > 0 { return received }
        if received == 0 { throw .closed }
        guard [EINTR, EAGAIN].contains(kassa_errno()) else { throw .last("recv") }
        return nil
    }
}
