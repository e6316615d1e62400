// SPDX-License-Identifier: Apache-2.0

internal import Base

/// One answer of the admin port.
struct AdminResponse: ~Copyable {
    /// The HTTP status code.
    let status: UInt32
    /// The `Content-Type`.
    let type: String
    var body: ByteBuffer

    init(status: UInt32, type: String, text: String) {
        self.status = status
        self.type = type
        body = ByteBuffer(capacity: text.utf8.count)
        body.append(Array(text.utf8).span)
    }

    /// The header fields beside `Content-Length`.
    var fields: [(name: String, value: String)] {
        var fields = [
            (name: "Content-Type", value: type),
            (name: "Cache-Control", value: "no-store"),
            (name: "X-Content-Type-Options", value: "nosniff"),
        ]
        if status == 405 { fields.append((name: "Allow", value: "GET, HEAD")) }
        return fields
    }
}
