// SPDX-License-Identifier: Apache-2.0

import Base
import Testing

@testable import Simulator

private func features(_ events: [(Double, ShopEvent.Action)]) -> SessionFeatures {
    var features = SessionFeatures(
        start: Timestamp(microseconds: 15 * 3_600_000_000), device: .tablet, source: .paidSearch,
        isReturning: true)
    for (seconds, action) in events { features.record(ShopEvent(seconds: seconds, action: action)) }
    return features
}

private func value(_ name: String, of features: SessionFeatures) -> FeatureValue? {
    SessionFeatures.columns.firstIndex { $0.name == name }.map { features.values[$0] }
}

@Test func `a session's values are those of its events`() {
    let session = features([
        (0, .pageViewed), (10, .productViewed(product: 4)), (20, .productViewed(product: 4)),
        (25, .searched), (30, .productViewed(product: 5)), (40, .compared(products: 2)),
        (50, .addedToCart(product: 5, priceCents: 40_00)),
        (55, .addedToCart(product: 4, priceCents: 20_00)), (60, .cartViewed),
        (90, .idled(seconds: 30)), (120, .idled(seconds: 30)),
        (130, .couponTried(discountCents: 0)), (135, .couponTried(discountCents: 6_00)),
        (140, .removedFromCart(product: 4, priceCents: 20_00)),
        (150, .shippingShown(costCents: 8_50)), (160, .paymentStarted),
        (190, .paymentFailed(.cardDeclined)), (220, .idled(seconds: 30)),
    ])
    let expected: [FeatureValue] = [
        .integer(9), .integer(3), .integer(2), .integer(1), .integer(1), .integer(1), .float(34),
        .integer(1), .integer(1), .float(8.5), .float(0.25), .integer(2), .flag(true), .integer(1),
        .float(220), .float(90), .float(30), .text("payment"), .text("tablet"),
        .text("paid_search"), .integer(15), .flag(true),
    ]
    #expect(session.values == expected)
}

@Test func `shipping is missing before it was shown and its ratio with an empty cart`() {
    let before = features([(1, .addedToCart(product: 1, priceCents: 10_00))])
    #expect(value("shipping_cost", of: before) == .missing)
    #expect(value("shipping_ratio", of: before) == .missing)
    let emptied = features([
        (1, .addedToCart(product: 1, priceCents: 10_00)), (2, .cartViewed),
        (3, .shippingShown(costCents: 4_90)), (4, .cartViewed),
        (5, .removedFromCart(product: 1, priceCents: 10_00)),
    ])
    #expect(value("shipping_cost", of: emptied) == .float(4.9))
    #expect(value("shipping_ratio", of: emptied) == .missing)
    #expect(value("checkout_step", of: emptied) == .text("browsing"))
}

@Test func `an action ends the idleness now and keeps the sum`() {
    let session = features([
        (0, .pageViewed), (30, .idled(seconds: 30)), (60, .idled(seconds: 30)), (61, .searched),
    ])
    #expect(value("seconds_since_last_action", of: session) == .float(0))
    #expect(value("seconds_idle", of: session) == .float(60))
}

@Test func `values fit their columns in every moment of a thousand sessions`() {
    var open: [Int: SessionFeatures] = [:]
    for moment in Shop(seed: 9, opening: Timestamp(microseconds: 0), sessions: 1_000) {
        var features = open[moment.session] ?? SessionFeatures(moment)
        features.record(moment.event)
        open[moment.session] = moment.event.isLast ? nil : features
        expectFit(features.values, SessionFeatures.columns)
        #expect(features.cartItems >= 0)
        if let customer = moment.shopper.customer {
            expectFit(customer.values, CustomerProfile.columns)
        }
    }
}

private func expectFit(_ values: [FeatureValue], _ columns: [FeatureColumn]) {
    #expect(values.count == columns.count)
    for (value, column) in zip(values, columns) {
        switch (value, column.kind) {
        case (.integer, .int64), (.flag, .bool): break
        case (.float(let number), .float32): #expect(number.isFinite, "\(column.name)")
        case (.text(let text), .string(let categories)): #expect(categories.contains(text))
        case (.missing, .float32): #expect(column.name.hasPrefix("shipping_"))
        default: Issue.record("\(column.name) is \(value)")
        }
    }
}

@Test func `a guest's customer is nobody, and a customer's values are those of the profile`() {
    let profile = CustomerProfile(
        number: 7, orders: 3, averageBasketCents: 45_50, daysSinceLastOrder: 12.5, returnRate: 0.25,
        segment: .regular)
    #expect(profile.id == "c-7")
    #expect(
        profile.values
            == [.integer(3), .float(45.5), .float(12.5), .float(0.25), .text("regular")])
}

@Test func `what the events tell of cart and place is what the shopper has and where he stands`() {
    var assortment = Chance(seed: 1)
    let catalogue = Catalogue(count: 60, chance: &assortment)
    var chance = Chance(seed: 2)
    var discounted = 0
    for seed in 0..<3_000 {
        let shopper = Shopper(customer: nil, thrift: 1, loyalty: 0, chance: &chance)
        var session = ShopperSession(shopper: shopper, catalogue: catalogue, seed: UInt64(seed))
        var features = SessionFeatures(
            start: Timestamp(microseconds: 0), device: shopper.device, source: shopper.source,
            isReturning: false)
        while let event = session.next() {
            features.record(event)
            #expect(features.cartItems == session.cart.count)
            #expect(features.cartCents == session.cartCents)
            #expect(features.distinctProducts == session.seen.count)
            #expect(features.step == session.step)
            #expect(features.secondsInSession == event.seconds)
            discounted += features.discountCents > 0 && features.removals > 0 ? 1 : 0
        }
    }
    #expect(discounted > 0)
}
