// SPDX-License-Identifier: Apache-2.0

/// Something to deliver.
package struct WebhookEvent: Hashable, Sendable {
    /// What the receiver knows it by if it comes twice; letters, digits, "-", "_" and ".".
    package let id: String
    /// What it is about, "alarm.frozen"; of the same bytes.
    package let type: String
    /// The body, JSON of at most ``WebhookLimits/bodyByteCountMax`` bytes.
    package let body: [UInt8]

    /// An event; an id, a type or a body out of bounds is our bug and traps.
    package init(id: String, type: String, body: [UInt8]) {
        precondition(Self.isToken(id))
        precondition(Self.isToken(type))
        precondition(body.count <= WebhookLimits.bodyByteCountMax)
        self.id = id
        self.type = type
        self.body = body
    }

    /// Whether `text` can stand in a header: nothing in it ends the line.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 128
            && text.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x30...0x39).contains(byte) || [0x2D, 0x2E, 0x5F].contains(byte)
            }
    }
}
