// SPDX-License-Identifier: Apache-2.0

/// The bounds of a webhook.
package enum WebhookLimits {
    /// Events that wait for delivery; the oldest goes when one more comes.
    package static let waitingMax = 1_000
    /// Bytes of an event's body.
    package static let bodyByteCountMax = 64 << 10
    /// Bytes of an answer's body that are read.
    package static let answerByteCountMax = 16 << 10
    /// Bytes of a URL.
    package static let urlByteCountMax = 2_000
    /// Bytes of a secret: RFC 2104 advises against less than half a digest.
    package static let secretByteCounts = 16...4_096
    /// Bytes of a file of certificates.
    package static let authoritiesByteCountMax = 16 << 20
    /// Milliseconds that an attempt may take.
    package static let timeoutMilliseconds = 100...60_000
    /// Milliseconds in which a connection must stand.
    package static let connectMilliseconds = 2_000
    /// Milliseconds for what waits when the server ends.
    package static let drainMilliseconds: UInt64 = 3_000
}
