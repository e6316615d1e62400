// SPDX-License-Identifier: Apache-2.0

/// What the shop knows of a returning customer before the session.
package struct CustomerProfile: Hashable, Sendable {
    /// The number in the customer's id, `c-<number>`.
    package var number: Int
    package var orders: Int
    package var averageBasketCents: Int
    package var daysSinceLastOrder: Double
    /// Share of the ordered goods that came back, 0...1.
    package var returnRate: Double
    package var segment: CustomerSegment

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
