// SPDX-License-Identifier: Apache-2.0

/// Why a payment failed.
package enum PaymentFailure: String, CaseIterable, Sendable {
    case cardDeclined = "card_declined"
    case secureTimeout = "secure_timeout"
}
