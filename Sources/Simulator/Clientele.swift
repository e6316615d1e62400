// SPDX-License-Identifier: Apache-2.0

internal import Base

/// The shop's returning customers, whose histories grow as they buy.
struct Clientele: Sendable {
    private struct Customer: Sendable {
        var orders: Int
        var spentCents: Int
        var lastOrder: Timestamp
        var returnRate: Double
        /// Lasting traits, hidden: standard normal.
        var thrift: Double
        var loyalty: Double
    }

    private var customers: [Customer] = []

    /// `count` customers with a past before `opening`.
    init(count: Int, opening: Timestamp, chance: inout Chance) {
        for _ in 0..<count {
            let thrift = chance.normal()
            let loyalty = chance.normal()
            let orders = 1 + Int(min(chance.exponential(mean: 2 + max(4 * loyalty, -1)), 80))
            let basket = Chance.exponential(4.1 - 0.35 * thrift + 0.3 * chance.normal())
            let days = min(chance.exponential(mean: 90 - 30 * max(min(loyalty, 2), -2)), 900)
            customers.append(
                Customer(
                    orders: orders,
                    spentCents: orders * max(Int(basket * 100), 5_00),
                    lastOrder: Timestamp(
                        microseconds: opening.microseconds - Int64(days * 86_400_000_000)),
                    returnRate: Chance.probability(logOdds: -1.8 + 0.8 * chance.normal()),
                    thrift: thrift,
                    loyalty: loyalty))
        }
    }

    /// One of them comes to the shop.
    func shopper(at time: Timestamp, chance: inout Chance) -> Shopper {
        let number = chance.integer(below: customers.count)
        return Shopper(
            customer: profile(number, at: time), thrift: customers[number].thrift,
            loyalty: customers[number].loyalty, chance: &chance)
    }

    /// Customer `number` has bought for `cents`.
    mutating func record(orderOf number: Int, cents: Int, at time: Timestamp) {
        customers[number].orders += 1
        customers[number].spentCents += cents
        customers[number].lastOrder = max(customers[number].lastOrder, time)
    }

    private func profile(_ number: Int, at time: Timestamp) -> CustomerProfile {
        let customer = customers[number]
        let age = Double(time.microseconds - customer.lastOrder.microseconds) / 86_400_000_000
        let days = (max(age, 0) * 10).rounded(.down) / 10
        let basket = customer.spentCents / customer.orders
        let segment: CustomerSegment =
            if days > 240 {
                .lapsed
            } else if basket < 42_00 {
                .bargain
            } else if customer.orders == 1 {
                .new
            } else if customer.orders >= 7 {
                .loyal
            } else {
                .regular
            }
        return CustomerProfile(
            number: number, orders: customer.orders, averageBasketCents: basket,
            daysSinceLastOrder: days,
            returnRate: (customer.returnRate * 100).rounded() / 100, segment: segment)
    }
}
