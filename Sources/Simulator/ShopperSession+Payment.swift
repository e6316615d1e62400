// SPDX-License-Identifier: Apache-2.0

extension ShopperSession {
    /// At the till: the payment succeeds, or fails and is perhaps tried again.
    mutating func pay() -> ShopEvent {
        if gives(up: -2.6) { return event(.left, afterSeconds: 20) }
        let temperament = shopper.temperament
        if chance.happens(0.12 + 0.15 * (1 - temperament.patience)) {
            return hesitate(meanSeconds: 45)
        }
        guard chance.happens(temperament.paymentTrouble) else {
            return event(.bought, afterSeconds: 30)
        }
        // Whoever fails once has, more likely than not, a card that fails again.
        mood.resolve -= 1.0 + 1.5 * (1 - temperament.patience)
        let isSecure = chance.happens(shopper.device == .mobile ? 0.45 : 0.3)
        return event(
            .paymentFailed(isSecure ? .secureTimeout : .cardDeclined),
            afterSeconds: isSecure ? 90 : 30)
    }
}
