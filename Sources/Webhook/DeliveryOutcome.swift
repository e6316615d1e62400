// SPDX-License-Identifier: Apache-2.0

/// How an attempt ended.
package enum DeliveryOutcome: Hashable, Sendable {
    /// The receiver answered: its status, and after how many seconds it wants to be asked again (0: no word).
    case answered(status: Int, retryAfterSeconds: UInt64)
    /// No whole answer came (no connection, a certificate that is not trusted, a timeout): libcurl's words for it.
    case unreachable(String)

    /// What went wrong, for people; nil if the receiver took the event.
    package var failure: String? {
        switch self {
        case .answered(status: 200..<300, _): nil
        case .answered(let status, _): "it answered with status \(status)"
        case .unreachable(let words): words
        }
    }
}
