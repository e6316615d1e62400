// SPDX-License-Identifier: Apache-2.0

/// How an attempt ended.
package enum DeliveryOutcome: Hashable, Sendable {
    /// The receiver answered: its status, and after how many seconds it wants to be asked again (0: no word).
    case answered(status: Int, retryAfterSeconds: UInt64)
    /// No whole answer came: no connection, a certificate that is not trusted, a timeout.
    case unreachable
}
