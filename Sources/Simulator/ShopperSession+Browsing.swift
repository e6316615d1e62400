// SPDX-License-Identifier: Apache-2.0

extension ShopperSession {
    /// Among the shelves: look, search, compare, put something into the cart, go to the cart.
    mutating func browse() -> ShopEvent {
        if gives(up: cart.isEmpty ? -2.9 : -3.7) { return event(.left, afterSeconds: 15) }
        let temperament = shopper.temperament
        let will = Chance.exponential(0.8 * min(max(mood.resolve, -3), 3))
        let choice = chance.index(weights: [
            0.8,
            2.2,
            0.5,
            seen.count >= 2 ? 1.8 * temperament.priceSensitivity : 0,
            current == nil ? 0 : 1.5 * will / Double(1 + cart.count),
            cart.isEmpty ? 0 : 0.9 * (0.25 + will),
            (0.10 + 0.25 * (1 - temperament.patience)) * (0.6 + 0.5 / (0.3 + will)),
        ])
        switch choice {
        case 0:
            current = nil
            return event(.pageViewed, afterSeconds: 12)
        case 1:
            return lookAtProduct()
        case 2:
            current = nil
            return event(.searched, afterSeconds: 10)
        case 3:
            return compare()
        case 4:
            return addToCart()
        case 5:
            step = .cart
            return event(.cartViewed, afterSeconds: 8)
        default:
            return hesitate(meanSeconds: 50)
        }
    }

    private mutating func lookAtProduct() -> ShopEvent {
        let product: Int
        if !seen.isEmpty, chance.happens(0.25) {
            product = seen[chance.integer(below: seen.count)]
        } else {
            product = chance.integer(below: catalogue.products.count)
            if !seen.contains(product) { seen.append(product) }
        }
        current = product
        return event(.productViewed(product: product), afterSeconds: 20)
    }

    /// Comparing finds a better offer elsewhere, more likely for those who look for one.
    private mutating func compare() -> ShopEvent {
        let temperament = shopper.temperament
        if chance.happens(0.25 + 0.35 * temperament.priceSensitivity) {
            mood.resolve -= 0.5 * temperament.priceSensitivity + 0.15
        } else {
            mood.resolve += 0.08
        }
        return event(.compared(products: min(seen.count, 4)), afterSeconds: 25)
    }

    private mutating func addToCart() -> ShopEvent {
        guard let product = current else { return lookAtProduct() }
        current = nil
        cart.append(product)
        mood.resolve += 0.1
        return event(
            .addedToCart(product: product, priceCents: catalogue.products[product].priceCents),
            afterSeconds: 6)
    }
}
