// SPDX-License-Identifier: Apache-2.0

import Base
import Testing

@testable import Simulator

/// How a session with a filled cart went.
private struct Visit {
    var features: SessionFeatures
    var shopper: Shopper
    var maximumIdle = 0.0
    var isAbandoned = false
    /// The ratio on the first sight of the shipping price.
    var firstRatio: Double?
}

private func visits(seed: UInt64, sessions: Int) -> [Visit] {
    var open: [Int: Visit] = [:]
    var filled: Set<Int> = []
    var done: [Visit] = []
    let opening = Timestamp(microseconds: 1_767_571_200_000_000)
    for moment in Shop(seed: seed, opening: opening, sessions: sessions) {
        var visit =
            open[moment.session]
            ?? Visit(features: SessionFeatures(moment), shopper: moment.shopper)
        if moment.event.isLast {
            open[moment.session] = nil
            visit.isAbandoned = moment.event.action == .left
            if filled.contains(moment.session) { done.append(visit) }
            continue
        }
        visit.features.record(moment.event)
        if visit.firstRatio == nil { visit.firstRatio = visit.features.shippingRatio }
        if visit.features.cartItems > 0 { filled.insert(moment.session) }
        open[moment.session] = visit
    }
    return done
}

private let sample = visits(seed: 2_026, sessions: 30_000)

private func abandonment(where condition: (Visit) -> Bool) -> Double {
    let chosen = sample.filter(condition)
    // A share of fewer would say nothing.
    #expect(chosen.count > 100)
    return Double(chosen.count { $0.isAbandoned }) / Double(max(chosen.count, 1))
}

@Test func `seven of ten filled carts are abandoned, and two of five sessions fill one`() {
    #expect(abs(abandonment { _ in true } - 0.70) < 0.04)
    #expect(abs(Double(sample.count) / 30_000 - 0.42) < 0.08)
}

@Test func `guests, phones and visitors from social media abandon more`() {
    let guests = abandonment { !$0.features.isReturning }
    #expect(guests > abandonment { $0.features.isReturning } + 0.05)
    let mobile = abandonment { $0.features.device == .mobile }
    #expect(mobile > abandonment { $0.features.device == .desktop } + 0.04)
    let social = abandonment { $0.features.source == .social }
    #expect(social > abandonment { $0.features.source == .email } + 0.04)
}

@Test func `a failed payment makes abandonment more likely among those who reached the till`() {
    let none = abandonment { $0.features.step == .payment && $0.features.paymentFailures == 0 }
    let some = abandonment { $0.features.step == .payment && $0.features.paymentFailures > 0 }
    #expect(some > none + 0.2)
}

@Test func `dear shipping relative to the cart makes abandonment more likely`() {
    let free = abandonment { $0.firstRatio == 0 }
    let some = abandonment { (0.03...0.15).contains($0.firstRatio ?? -1) }
    let dear = abandonment { ($0.firstRatio ?? -1) > 0.3 }
    #expect(some > free + 0.04)
    #expect(dear > some + 0.1)
}

@Test func `comparing, idling and refused coupons go with abandonment`() {
    let compares = abandonment { $0.features.comparisons >= 3 }
    #expect(compares > abandonment { $0.features.comparisons == 0 } + 0.08)
    let idles = abandonment { $0.features.secondsIdle >= 240 }
    #expect(idles > abandonment { $0.features.secondsIdle == 0 } + 0.05)
    let refused = abandonment { $0.features.couponAttempts >= 2 && $0.features.discountCents == 0 }
    #expect(refused > abandonment { $0.features.discountCents > 0 } + 0.1)
}

@Test func `loyal customers abandon least`() {
    let loyal = abandonment { $0.shopper.customer?.segment == .loyal }
    for segment in CustomerSegment.allCases where segment != .loyal {
        #expect(abandonment { $0.shopper.customer?.segment == segment } > loyal)
    }
}

@Test func `what nobody can see decides, and cannot be read off the features exactly`() {
    let eager = abandonment { $0.shopper.temperament.intent > 0.5 }
    let reluctant = abandonment { $0.shopper.temperament.intent < -1 }
    #expect(reluctant > eager + 0.3)
    // Even the most promising corner of the features holds both outcomes in numbers.
    let promising = abandonment {
        $0.features.step == .payment && $0.features.paymentFailures == 0
            && $0.features.isReturning
    }
    #expect(promising > 0.03)
    #expect(promising < 0.5)
}

@Test func `the same shopper in a dearer shop is less likely to buy`() {
    // An intervention, not a correlation: only the address differs.
    var assortment = Chance(seed: 1)
    let catalogue = Catalogue(count: 240, chance: &assortment)
    var bought = [0, 0]
    for (place, isRemote) in [false, true].enumerated() {
        let temperament = Temperament(
            intent: 0.5, priceSensitivity: 0.7, patience: 0.5, paymentTrouble: 0.05,
            isRemote: isRemote, pace: 1)
        for seed in 0..<4_000 {
            var session = ShopperSession(
                shopper: Shopper(
                    device: .desktop, source: .direct, customer: nil, temperament: temperament),
                catalogue: catalogue, seed: UInt64(seed))
            while let event = session.next() { bought[place] += event.action == .bought ? 1 : 0 }
        }
    }
    #expect(bought[0] > bought[1] + 100)
}
