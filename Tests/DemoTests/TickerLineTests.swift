// SPDX-License-Identifier: Apache-2.0

import Base
import Simulator
import Testing

@testable import Demo

private func moment(
    _ action: ShopEvent.Action, session: Int = 81, customer: CustomerProfile? = nil
) -> ShopMoment {
    ShopMoment(
        session: session,
        shopper: Shopper(
            device: .mobile, source: .search, customer: customer,
            temperament: Temperament(
                intent: 0, priceSensitivity: 0.5, patience: 0.5, paymentTrouble: 0,
                isRemote: false, pace: 1)),
        start: Timestamp(microseconds: 43_400 * 1_000_000),
        event: ShopEvent(seconds: 71, action: action))
}

private func features(_ moment: ShopMoment, cents: Int) -> SessionFeatures {
    var features = SessionFeatures(moment)
    features.record(
        ShopEvent(seconds: 9, action: .addedToCart(product: 1, priceCents: cents)))
    return features
}

@Test func `a line tells the time, the shopper, the cart, the event and the forecast`() {
    let shown = moment(.shippingShown(costCents: 9_90))
    let line = TickerLine(shown, features: features(shown, cents: 84_90), probability: 0.71)
    #expect(
        line?.rendered()
            == "12:04:31  s-81    mobile, guest      €84.90  shipping shown: €9.90    "
            + "▮▮▮▮▮▮▯▯  71 % likely to leave")
}

@Test func `the last line of a session tells how it ended and what was forecast`() {
    let bought = moment(
        .bought, session: 4_711,
        customer: CustomerProfile(
            number: 1, orders: 9, averageBasketCents: 1, daysSinceLastOrder: 1, returnRate: 0,
            segment: .loyal))
    let line = TickerLine(bought, features: features(bought, cents: 9_90), probability: 0.08)
    #expect(
        line?.rendered()
            == "12:04:31  s-4711  mobile, loyal       €9.90  bought                   "
            + "▮▯▯▯▯▯▯▯   8 % was forecast")
}

@Test func `what is not worth a line gets none`() {
    let empty = moment(.idled(seconds: 30))
    #expect(TickerLine(empty, features: SessionFeatures(empty), probability: 0.5) == nil)
    let page = moment(.pageViewed)
    #expect(TickerLine(page, features: features(page, cents: 1), probability: 0.5) == nil)
}

@Test func `a silence gets a line when it begins and every second minute`() {
    let idle = moment(.idled(seconds: 30))
    var features = features(idle, cents: 1)
    let headlines = (1...9).map { beacon in
        features.record(
            ShopEvent(seconds: 9 + Double(beacon) * 30, action: .idled(seconds: 30)))
        return TickerLine(idle, features: features, probability: 1)?.headline
    }
    let expected: [String?] = [
        "hesitates", nil, nil, "silent for 2 minutes", nil, nil, nil, "silent for 4 minutes", nil,
    ]
    #expect(headlines == expected)
}

@Test func `a line without a score says so`() {
    let shown = moment(.paymentStarted)
    let line = TickerLine(shown, features: features(shown, cents: 84_90), probability: nil)
    #expect(line?.rendered().hasSuffix("at the till              no score") == true)
}

@Test func `a line is plain unless colours are asked for, and says the same in colour`() {
    let shown = moment(.left)
    let line = TickerLine(shown, features: features(shown, cents: 84_90), probability: 0.9)
    let plain = line?.rendered() ?? ""
    let coloured = line?.rendered(.colours) ?? ""
    #expect(!plain.contains("\u{1B}"))
    #expect(coloured.contains("\u{1B}[31m"))
    #expect(coloured.replacing(/\u{1B}\[\d+m/, with: "") == plain)
}

@Test func `no line of two thousand sessions is longer than 100 columns, nor any with big numbers`()
{
    var open: [Int: SessionFeatures] = [:]
    var lines = 0
    for moment in Shop(seed: 5, opening: Timestamp(microseconds: 0), sessions: 2_000) {
        var features = open[moment.session] ?? SessionFeatures(moment)
        features.record(moment.event)
        open[moment.session] = features
        guard let line = TickerLine(moment, features: features, probability: 1) else { continue }
        #expect(line.rendered().count <= Text.columns)
        lines += 1
    }
    #expect(lines > 1_000)
    let wide = moment(.shippingShown(costCents: 1_234_90), session: 1_234_567)
    let line = TickerLine(wide, features: features(wide, cents: 12_345_90), probability: 1)
    #expect(line?.rendered().count == Text.columns)
}
