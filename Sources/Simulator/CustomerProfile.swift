// SPDX-License-Identifier: Apache-2.0

/// What the shop knows of a returning customer before the session.
package struct CustomerProfile: Hashable, Sendable {
    /// The number in the customer's id, `c-<number>`.
    package var number: Int
    /// Orders so far.
    package var orders: Int
    /// What an order came to on average, in cents.
    package var averageBasketCents: Int
    /// Days since the last order.
    package var daysSinceLastOrder: Double
    /// Share of the ordered goods that came back, 0...1.
    package var returnRate: Double
    /// The group that the shop puts the customer in.
    package var segment: CustomerSegment

    /// A profile of these values.
    package init(
        number: Int, orders: Int, averageBasketCents: Int, daysSinceLastOrder: Double,
        returnRate: Double, segment: CustomerSegment
    ) {
        self.number = number
        self.orders = orders
        self.averageBasketCents = averageBasketCents
        self.daysSinceLastOrder = daysSinceLastOrder
        self.returnRate = returnRate
        self.segment = segment
    }

    /// The id of the entity `customer`.
    package var id: String { "c-\(number)" }
}
