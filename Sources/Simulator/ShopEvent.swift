// SPDX-License-Identifier: Apache-2.0

/// Something that a shop can see of a session, and when. Money is in cents.
package struct ShopEvent: Hashable, Sendable {
    /// What happened.
    package enum Action: Hashable, Sendable {
        case pageViewed
        case productViewed(product: Int)
        case searched
        case compared(products: Int)
        case addedToCart(product: Int, priceCents: Int)
        case removedFromCart(product: Int, priceCents: Int)
        case cartViewed
        /// `discountCents` is 0 if the coupon was refused.
        case couponTried(discountCents: Int)
        /// `costCents` is 0 if shipping is free.
        case shippingShown(costCents: Int)
        case paymentStarted
        case paymentFailed(PaymentFailure)
        /// The page's beacon: nothing happened for another `seconds`.
        case idled(seconds: Int)
        /// The end, with an order.
        case bought
        /// The end, without.
        case left
    }

    /// Seconds since the session's start, in whole milliseconds.
    package var seconds: Double
    /// What the shopper does.
    package var action: Action

    /// An action that many seconds after the session's start.
    package init(seconds: Double, action: Action) {
        self.seconds = seconds
        self.action = action
    }

    /// Whether the session is over.
    package var isLast: Bool {
        action == .bought || action == .left
    }
}
