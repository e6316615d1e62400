// SPDX-License-Identifier: Apache-2.0

/// Why a webhook cannot be.
package enum WebhookError: Error, Hashable, CustomStringConvertible {
    /// The URL is not one: what it must be.
    case url(String)
    /// The secret is too short or too long.
    case secret(byteCount: Int)
    /// A timeout out of bounds.
    case timeout(milliseconds: Int)
    /// libcurl refused a setting: its words.
    case library(String)

    /// What is wrong, in a sentence that repeats neither URL nor secret.
    package var description: String {
        switch self {
        case .url(let expectation):
            return "the webhook's URL must \(expectation)"
        case .secret(let byteCount):
            let bounds = WebhookLimits.secretByteCounts
            return
                "the webhook's secret has \(byteCount) bytes; it must have \(bounds.lowerBound) to"
                + " \(bounds.upperBound)"
        case .timeout(let milliseconds):
            let bounds = WebhookLimits.timeoutMilliseconds
            return "the webhook's timeout is \(milliseconds) ms; it must be \(bounds.lowerBound) to"
                + " \(bounds.upperBound)"
        case .library(let words):
            return "libcurl takes no webhook: \(words)"
        }
    }
}
