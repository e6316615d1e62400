// SPDX-License-Identifier: Apache-2.0

internal import Simulator

extension ShopEvent.Action {
    /// What the ticker says of the event, or `nil` if it is not worth a line.
    var headline: String? {
        switch self {
        case .pageViewed, .productViewed, .searched, .cartViewed: nil
        case .compared(let products): products > 2 ? "compares \(products) products" : nil
        case .addedToCart(_, let priceCents): "into the cart: \(Text.euros(cents: priceCents))"
        case .removedFromCart(_, let priceCents): "put back: \(Text.euros(cents: priceCents))"
        case .couponTried(0): "coupon refused"
        case .couponTried(let discountCents): "coupon: \(Text.euros(cents: -discountCents))"
        case .shippingShown(0): "shipping is free"
        case .shippingShown(let costCents): "shipping shown: \(Text.euros(cents: costCents))"
        case .paymentStarted: "at the till"
        case .paymentFailed(.cardDeclined): "card declined"
        case .paymentFailed(.secureTimeout): "3-D Secure timed out"
        case .idled: "hesitates"
        case .bought: "bought"
        case .left: "left the cart behind"
        }
    }
}

extension Shopper {
    /// `mobile, guest` or `desktop, loyal`.
    var headline: String {
        "\(device.rawValue), \(customer?.segment.rawValue ?? "guest")"
    }
}
