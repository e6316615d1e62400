// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A blocking TCP connection to a port of the loopback, for tests.
struct Connection: ~Copyable {
    private let descriptor: Int32

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close(descriptor)
            throw Failure.connect(errno)
        }
    }

    deinit { close(descriptor) }

    enum Failure: Error { case connect(Int32), timeout, reset }

    /// Sends all of `text`; what a peer that has closed no longer takes is dropped.
    func send(_ text: String) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(
                    descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// Whether the peer sends or closes within `milliseconds`.
    func hasInput(withinMilliseconds milliseconds: Int32) -> Bool {
        var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&event, 1, milliseconds) == 1
    }

    /// Everything up to the peer's end, or until `enough` says that it has all it wants.
    func receive(until enough: (String) -> Bool = { _ in false }) throws -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            guard hasInput(withinMilliseconds: 5_000) else { throw Failure.timeout }
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress!, $0.count, 0)
            }
            if count < 0 { throw Failure.reset }
            bytes += chunk[..<count]
            let text = String(decoding: bytes, as: UTF8.self)
            if count == 0 || enough(text) { return text }
        }
    }
}

/// An HTTP response taken apart.
struct Response {
    let status: Int
    /// Names in lower case.
    let fields: [String: String]
    let body: String

    init?(_ text: String) {
        guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
        // A carriage return and a line feed are one character.
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        guard let line = lines.first, let status = Int(line.split(separator: " ")[1]) else {
            return nil
        }
        self.status = status
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            fields[line[..<colon].lowercased()] = String(
                line[line.index(after: colon)...].drop { $0 == " " })
        }
        self.fields = fields
        body = String(text[end.upperBound...])
    }
}
