// SPDX-License-Identifier: Apache-2.0

package import Base

/// What is known of a session, folded from its events so far: a value per column of
/// ``columns``, as of the last event recorded.
package struct SessionFeatures: Hashable, Sendable {
    /// The name of the feature set.
    package static let featureSet = "session_behaviour"

    /// The feature set's schema, in the order of ``values``.
    package static let columns = [
        FeatureColumn("pages_viewed", .int64),
        FeatureColumn("product_views", .int64),
        FeatureColumn("distinct_products", .int64),
        FeatureColumn("comparisons", .int64),
        FeatureColumn("searches", .int64),
        FeatureColumn("cart_items", .int64),
        FeatureColumn("cart_value", .float32),
        FeatureColumn("removals", .int64),
        FeatureColumn("shipping_views", .int64),
        FeatureColumn("shipping_cost", .float32),
        FeatureColumn("shipping_ratio", .float32),
        FeatureColumn("coupon_attempts", .int64),
        FeatureColumn("coupon_accepted", .bool),
        FeatureColumn("payment_failures", .int64),
        FeatureColumn("seconds_in_session", .float32),
        FeatureColumn("seconds_idle", .float32),
        FeatureColumn("seconds_since_last_action", .float32),
        FeatureColumn("checkout_step", .string(categories: categories(of: CheckoutStep.self))),
        FeatureColumn("device", .string(categories: categories(of: Device.self))),
        FeatureColumn("traffic_source", .string(categories: categories(of: TrafficSource.self))),
        FeatureColumn("hour_of_day", .int64),
        FeatureColumn("is_returning", .bool),
    ]

    /// When the session began.
    package let start: Timestamp
    /// What the shop is seen on.
    package let device: Device
    /// Where the visit came from.
    package let source: TrafficSource
    /// Whether the customer has ordered before.
    package let isReturning: Bool

    /// Pages seen so far.
    package private(set) var pagesViewed = 0
    /// Products looked at so far.
    package private(set) var productViews = 0
    /// Comparisons of products so far.
    package private(set) var comparisons = 0
    /// Searches so far.
    package private(set) var searches = 0
    /// Items in the cart now.
    package private(set) var cartItems = 0
    /// Items taken out of the cart so far.
    package private(set) var removals = 0
    /// Times that the cost of shipping was looked at.
    package private(set) var shippingViews = 0
    /// The cost of shipping in cents; nil until it is known.
    package private(set) var shippingCents: Int?
    /// Coupons tried so far.
    package private(set) var couponAttempts = 0
    /// The discount in cents.
    package private(set) var discountCents = 0
    /// Payments that failed so far.
    package private(set) var paymentFailures = 0
    /// As of the last event.
    package private(set) var secondsInSession = 0.0
    /// Seconds spent idle so far.
    package private(set) var secondsIdle = 0.0
    /// Seconds since the last action.
    package private(set) var secondsSinceLastAction = 0.0
    /// How far the checkout has come.
    package private(set) var step = CheckoutStep.browsing
    private var goodsCents = 0
    private var products: Set<Int> = []

    /// Nothing has happened yet.
    package init(start: Timestamp, device: Device, source: TrafficSource, isReturning: Bool) {
        self.start = start
        self.device = device
        self.source = source
        self.isReturning = isReturning
    }

    /// Nothing has happened yet in the session that `moment` belongs to.
    package init(_ moment: ShopMoment) {
        self.init(
            start: moment.start, device: moment.shopper.device, source: moment.shopper.source,
            isReturning: moment.shopper.customer != nil)
    }

    /// How many different products have been looked at.
    package var distinctProducts: Int { products.count }

    /// What the goods in the cart cost, discount taken off.
    package var cartCents: Int { max(goodsCents - discountCents, 0) }

    /// Shipping relative to the goods; `nil` before it was shown or with an empty cart.
    package var shippingRatio: Double? {
        guard let shippingCents, cartCents > 0 else { return nil }
        return Double(shippingCents) / Double(cartCents)
    }

    /// Folds one event in; events come in the order of their times.
    package mutating func record(_ event: ShopEvent) {
        let pause = event.seconds - secondsInSession
        secondsInSession = event.seconds
        if case .idled(let seconds) = event.action {
            secondsIdle += Double(seconds)
            secondsSinceLastAction += pause
            return
        }
        secondsSinceLastAction = 0
        switch event.action {
        case .pageViewed: enter(.browsing)
        case .productViewed(let product):
            enter(.browsing)
            productViews += 1
            products.insert(product)
        case .searched:
            enter(.browsing)
            searches += 1
        case .compared:
            enter(.browsing)
            comparisons += 1
        case .addedToCart(_, let priceCents):
            cartItems += 1
            goodsCents += priceCents
        case .removedFromCart(_, let priceCents):
            removals += 1
            cartItems -= 1
            goodsCents -= priceCents
            if cartItems == 0 { (discountCents, step) = (0, .browsing) }
        case .cartViewed: enter(.cart)
        case .couponTried(let discount):
            couponAttempts += 1
            discountCents += discount
        case .shippingShown(let costCents):
            enter(.shipping)
            shippingViews += 1
            shippingCents = costCents
        case .paymentStarted: enter(.payment)
        case .paymentFailed: paymentFailures += 1
        case .idled, .bought, .left: break
        }
    }

    private mutating func enter(_ step: CheckoutStep) {
        self.step = step
        pagesViewed += 1
    }

    private static func categories<Category: RawRepresentable<String> & CaseIterable>(
        of type: Category.Type
    ) -> [String] {
        type.allCases.map(\.rawValue).sorted()
    }
}
