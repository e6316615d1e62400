// SPDX-License-Identifier: Apache-2.0

extension ShopperSession {
    /// With the shipping price on the screen: accept it, look for a way round it, or give up.
    mutating func weighShipping() -> ShopEvent {
        if gives(up: -1.9) { return event(.left, afterSeconds: 20) }
        let temperament = shopper.temperament
        let will = Chance.exponential(0.7 * min(max(mood.resolve, -3), 3))
        let paysForShipping = (shippingCents ?? 0) > 0
        let choice = chance.index(weights: [
            paysForShipping ? 0.15 + 0.5 * temperament.priceSensitivity : 0.1,
            0.25 + 0.3 * (1 - temperament.patience),
            1.9 * will,
        ])
        switch choice {
        case 0:
            step = .cart
            return event(.cartViewed, afterSeconds: 12)
        case 1:
            return hesitate(meanSeconds: 70)
        default:
            step = .payment
            return event(.paymentStarted, afterSeconds: 25)
        }
    }
}
