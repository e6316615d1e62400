// SPDX-License-Identifier: Apache-2.0

/// What the shop sells, and what it charges to bring it.
struct Catalogue: Sendable {
    struct Product: Hashable, Sendable {
        var priceCents: Int
        var isBulky: Bool
    }

    /// Goods for this much are delivered free, unless they are bulky or go far.
    static let freeShippingCents = 99_00

    private(set) var products: [Product] = []

    /// `count` products with prices between about €5 and €300, most of them cheap.
    init(count: Int, chance: inout Chance) {
        for _ in 0..<count {
            let euros = Chance.exponential(3.4 + 0.85 * chance.normal())
            let rounded = min(max(Int(euros), 4), 299)
            products.append(
                Product(priceCents: rounded * 100 + 90, isBulky: chance.happens(0.12)))
        }
    }

    /// The price of the parcel in cents: a base, a surcharge for bulk, another for distance.
    func shippingCents(products numbers: [Int], valueCents: Int, isRemote: Bool) -> Int {
        let bulky = numbers.count { products[$0].isBulky }
        let base = valueCents >= Catalogue.freeShippingCents ? 0 : 4_90
        return base + min(bulky, 3) * 5_00 + (isRemote ? 4_00 : 0)
    }
}
