// SPDX-License-Identifier: Apache-2.0

extension ShopperSession {
    /// In front of the cart: try a coupon, put something back, go on, or away.
    mutating func reviewCart() -> ShopEvent {
        if gives(up: -2.7) { return event(.left, afterSeconds: 20) }
        let sensitivity = shopper.temperament.priceSensitivity
        let will = Chance.exponential(0.7 * min(max(mood.resolve, -3), 3))
        let choice = chance.index(weights: [
            couponAttempts < 4 ? 1.4 * sensitivity : 0,
            0.12 + 0.4 * sensitivity,
            0.5,
            (0.25 + 0.3 * (1 - shopper.temperament.patience)) * (0.6 + 0.5 / (0.3 + will)),
            1.7 * will,
        ])
        switch choice {
        case 0:
            return tryCoupon()
        case 1:
            return putBack()
        case 2:
            step = .browsing
            return event(.pageViewed, afterSeconds: 10)
        case 3:
            return hesitate(meanSeconds: 60)
        default:
            return askShipping()
        }
    }

    /// One coupon in four works; a refused one annoys whoever counted on it.
    private mutating func tryCoupon() -> ShopEvent {
        couponAttempts += 1
        let sensitivity = shopper.temperament.priceSensitivity
        guard discountCents == 0, chance.happens(0.25) else {
            mood.resolve -= 0.25 + 0.5 * sensitivity
            return event(.couponTried(discountCents: 0), afterSeconds: 14)
        }
        discountCents = cartCents / 10
        mood.resolve += 0.3 + 0.5 * sensitivity
        return event(.couponTried(discountCents: discountCents), afterSeconds: 14)
    }

    private mutating func putBack() -> ShopEvent {
        let product = cart.remove(at: chance.integer(below: cart.count))
        mood.resolve -= 0.4
        if cart.isEmpty {
            step = .browsing
            discountCents = 0
        }
        return event(
            .removedFromCart(product: product, priceCents: catalogue.products[product].priceCents),
            afterSeconds: 8)
    }

    /// The shipping price appears, and with it the shock: what it adds, relative to the goods.
    private mutating func askShipping() -> ShopEvent {
        step = .shipping
        let cost = catalogue.shippingCents(
            products: cart, valueCents: cartCents, isRemote: shopper.temperament.isRemote)
        if cost != shippingCents {
            let ratio = min(Double(cost) / Double(max(cartCents, 1_00)), 0.8)
            let shock = (1.5 + 9.0 * shopper.temperament.priceSensitivity) * ratio
            mood.resolve += cost == 0 ? 0.3 : -shock
        }
        shippingCents = cost
        return event(.shippingShown(costCents: cost), afterSeconds: 10)
    }
}
