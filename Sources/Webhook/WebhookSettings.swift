// SPDX-License-Identifier: Apache-2.0

/// Where events go, and what proves that they come from here.
package struct WebhookSettings: Sendable {
    /// `http://` or `https://`, a host, and what follows.
    package var url: String
    /// The key of signatures, shared with the receiver.
    package var secret: [UInt8]
    /// A file of certificates (PEM) to trust instead of the system's.
    package var authoritiesFile: String?
    /// How long an attempt may take, from the connection to the last byte of the answer.
    package var timeoutMilliseconds = 5_000
    /// How often and how long delivery is tried.
    package var policy = RetryPolicy()
    /// Where the jitter of retries begins; another on each server.
    package var seed = UInt64.random(in: .min ... .max)
    /// What the sender calls itself.
    package var agent = "kassa"

    /// Hears, on the webhook's thread, when deliveries begin to fail, fail differently, and go well again.
    package var note: (@Sendable (String) -> Void)?

    /// Settings with the usual bounds.
    package init(url: String, secret: [UInt8]) {
        self.url = url
        self.secret = secret
    }

    /// Refuses settings that could never deliver, or that would send something else than was meant.
    func check() throws(WebhookError) {
        let bytes = url.utf8
        let schemes = ["http://", "https://"]
        guard let scheme = schemes.first(where: { url.lowercased().hasPrefix($0) }) else {
            throw .url("begin with http:// or https://")
        }
        guard bytes.count <= WebhookLimits.urlByteCountMax else {
            throw .url("have at most \(WebhookLimits.urlByteCountMax) bytes")
        }
        guard bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .url("be printable ASCII without spaces")
        }
        let authority = bytes.dropFirst(scheme.utf8.count).prefix {
            $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
        }
        guard let first = authority.first, first != UInt8(ascii: ":") else {
            throw .url("name a host")
        }
        guard !authority.contains(UInt8(ascii: "@")) else {
            throw .url("hold no user name or password")
        }
        guard WebhookLimits.secretByteCounts.contains(secret.count) else {
            throw .secret(byteCount: secret.count)
        }
        guard WebhookLimits.timeoutMilliseconds.contains(timeoutMilliseconds) else {
            throw .timeout(milliseconds: timeoutMilliseconds)
        }
    }
}
