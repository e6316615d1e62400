// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Transport

/// A server's place as a person writes it: `127.0.0.1:6750`, `[::1]:6750`, `localhost:6750`.
struct ServerAddress: Equatable {
    let text: String
    let host: String
    let port: UInt16

    init(_ text: String) throws(ClientError) {
        self.text = text
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...]), port > 0
        else { throw .badAddress(text) }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw .badAddress(text)
        }
        guard !host.isEmpty, !host.utf8.contains(0) else { throw .badAddress(text) }
        self.host = String(host)
        self.port = port
    }

    /// Tries the host's addresses in the system's order; the last failure is the one that counts.
    func connect(timeoutMilliseconds: Int) throws(ClientError) -> ClientConnection {
        var reason = "the name has no address"
        for address in try addresses() {
            do throws(SocketError) {
                return try ClientConnection(
                    host: address, port: port,
                    timeoutMilliseconds: Int32(clamping: timeoutMilliseconds))
            } catch {
                reason = "\(error)"
            }
        }
        throw .unreachable(server: text, reason: reason)
    }

    /// The numeric addresses of the host (`getaddrinfo`).
    private func addresses() throws(ClientError) -> [String] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            // Safe: a constant C string.
            let reason = unsafe String(cString: gai_strerror(code))
            throw .unreachable(server: text, reason: reason)
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [String] = []
        var next = unsafe list
        while let entry = unsafe next {
            // Safe: getnameinfo writes a C string that fits the room it is told of.
            let name = unsafe withUnsafeTemporaryAllocation(
                of: CChar.self, capacity: Int(NI_MAXHOST)
            ) { room -> String? in
                let result = unsafe getnameinfo(
                    entry.pointee.ai_addr, entry.pointee.ai_addrlen, room.baseAddress,
                    socklen_t(room.count), nil, 0, NI_NUMERICHOST)
                return result == 0 ? unsafe String(cString: room.baseAddress!) : nil
            }
            if let name { addresses.append(name) }
            unsafe next = entry.pointee.ai_next
        }
        return addresses
    }
}
