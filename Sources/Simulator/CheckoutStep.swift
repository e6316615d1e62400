// SPDX-License-Identifier: Apache-2.0

/// Where in the shop the shopper stands; the raw values are the categories of `checkout_step`.
package enum CheckoutStep: String, CaseIterable, Sendable {
    case browsing, cart, shipping, payment
}
