// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// Calls `body` with a socket of the right family and the socket address of `host` and `port`.
///
/// `host` is numeric (`127.0.0.1`, `::1`): names are for whoever configures.
@unsafe func withSocket<Result: ~Copyable>(
    host: String, port: UInt16, flags: Int32,
    _ body: (consuming Descriptor, UnsafePointer<sockaddr>, socklen_t) throws(SocketError) -> Result
) throws(SocketError) -> Result {
    var v4 = sockaddr_in()
    if unsafe inet_pton(AF_INET, host, &v4.sin_addr) == 1 {
        v4.sin_family = sa_family_t(AF_INET)
        v4.sin_port = port.bigEndian
        let socket = try openSocket(AF_INET, flags)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Safe: a sockaddr_in begins as a sockaddr does; `size` says how long it is.
        let pointer = unsafe withUnsafePointer(to: &v4) { unsafe UnsafeRawPointer($0) }
        return try unsafe body(socket, pointer.assumingMemoryBound(to: sockaddr.self), size)
    }
    var v6 = sockaddr_in6()
    if unsafe inet_pton(AF_INET6, host, &v6.sin6_addr) == 1 {
        v6.sin6_family = sa_family_t(AF_INET6)
        v6.sin6_port = port.bigEndian
        let socket = try openSocket(AF_INET6, flags)
        let size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let pointer = unsafe withUnsafePointer(to: &v6) { unsafe UnsafeRawPointer($0) }
        return try unsafe body(socket, pointer.assumingMemoryBound(to: sockaddr.self), size)
    }
    throw .badAddress
}

private func openSocket(_ family: Int32, _ flags: Int32) throws(SocketError) -> Descriptor {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | flags
    let raw = socket(family, type, 0)
    guard raw >= 0 else { throw .last("socket") }
    return Descriptor(raw)
}

/// The port that a bound socket has.
func localPort(of socket: borrowing Descriptor) throws(SocketError) -> UInt16 {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    // Safe: the storage is large enough for any address, and both families keep the port at 2.
    let result = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
        unsafe getsockname(
            socket.rawValue, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), &size)
    }
    guard result == 0 else { throw .last("getsockname") }
    return unsafe withUnsafeBytes(of: &storage) { bytes in
        UInt16(bigEndian: unsafe bytes.load(fromByteOffset: 2, as: UInt16.self))
    }
}
