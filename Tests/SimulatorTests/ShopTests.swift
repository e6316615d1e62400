// SPDX-License-Identifier: Apache-2.0

import Base
import Testing

@testable import Simulator

private let opening = Timestamp(microseconds: 1_767_571_200_000_000)

/// The bits of everything that a shop shows, spelled without the help of any formatter.
private func trace(seed: UInt64, sessions: Int) -> [UInt8] {
    var words: [UInt64] = []
    var open: [Int: SessionFeatures] = [:]
    for moment in Shop(seed: seed, opening: opening, sessions: sessions) {
        var features = open[moment.session] ?? SessionFeatures(moment)
        features.record(moment.event)
        open[moment.session] = features
        words += [UInt64(moment.session), UInt64(bitPattern: moment.time.microseconds)]
        words += [moment.event.seconds.bitPattern, moment.event.action == .bought ? 1 : 0]
        for value in features.values + (moment.shopper.customer?.values ?? []) {
            switch value {
            case .float(let number): words.append(UInt64(number.bitPattern))
            case .integer(let number): words.append(UInt64(bitPattern: number))
            case .flag(let flag): words.append(flag ? 1 : 0)
            case .text(let text): words += text.utf8.map { UInt64($0) }
            case .missing: words.append(.max)
            }
        }
    }
    return words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
}

/// The committed model was trained on exactly these shoppers: if this value changes, retrain it.
@Test func `a seed gives the same bytes, on every machine and in every release`() {
    let bytes = trace(seed: 11, sessions: 300)
    #expect(CRC32C.checksum(bytes.span) == 0x726F_9DCE)
    #expect(trace(seed: 11, sessions: 300) == bytes)
    #expect(trace(seed: 12, sessions: 300) != bytes)
}

@Test func `moments come in the order of time, sessions overlap, and each ends exactly once`() {
    var last = opening
    var open: Set<Int> = []
    var ended: Set<Int> = []
    var mostOpen = 0
    for moment in Shop(seed: 1, opening: opening, sessions: 2_000) {
        #expect(moment.time >= last)
        #expect(!ended.contains(moment.session))
        last = moment.time
        if moment.event.isLast {
            open.remove(moment.session)
            #expect(ended.insert(moment.session).inserted)
        } else {
            open.insert(moment.session)
        }
        mostOpen = max(mostOpen, open.count)
    }
    #expect(ended == Set(1...2_000))
    #expect(open.isEmpty)
    #expect(mostOpen > 20)
}

@Test func `more shoppers arrive in the evening than at night`() {
    var byHour = Array(repeating: 0, count: 24)
    for moment in Shop(seed: 2, opening: opening, sessions: 30_000) where moment.event.seconds == 0
    {
        byHour[moment.start.hourOfDay] += 1
    }
    #expect(byHour.reduce(0, +) == 30_000)
    #expect(byHour[20] > 8 * byHour[3])
    #expect(byHour[3] > 0)
}

@Test func `the hour of the day is right before and after the epoch`() {
    let hour: Int64 = 3_600_000_000
    #expect(Timestamp(microseconds: 0).hourOfDay == 0)
    #expect(Timestamp(microseconds: 25 * hour).hourOfDay == 1)
    #expect(Timestamp(microseconds: -1).hourOfDay == 23)
    #expect(Timestamp(microseconds: -hour).hourOfDay == 23)
    #expect(Timestamp(microseconds: -hour - 1).hourOfDay == 22)
    #expect(Timestamp(microseconds: .min).hourOfDay >= 0)
}

@Test func `a returning customer's history grows with every order`() {
    var orders: [Int: Int] = [:]
    var bought: Set<Int> = []
    var grown = 0
    for moment in Shop(seed: 3, opening: opening, sessions: 4_000, customers: 40) {
        guard let customer = moment.shopper.customer else { continue }
        if moment.event.seconds == 0 {
            let before = orders[customer.number] ?? customer.orders
            #expect(customer.orders >= before)
            if customer.orders > before {
                #expect(bought.contains(customer.number))
                grown += 1
            }
            orders[customer.number] = customer.orders
        }
        if moment.event.action == .bought { bought.insert(customer.number) }
    }
    #expect(grown > 50)
}

@Test func `a shopper whom nothing can move still leaves at the limit`() {
    var assortment = Chance(seed: 1)
    let temperament = Temperament(
        intent: 1e9, priceSensitivity: 0, patience: 1, paymentTrouble: 1, isRemote: false, pace: 1)
    let shopper = Shopper(
        device: .desktop, source: .direct, customer: nil, temperament: temperament)
    var session = ShopperSession(
        shopper: shopper, catalogue: Catalogue(count: 20, chance: &assortment), seed: 1)
    var events: [ShopEvent] = []
    while let event = session.next() { events.append(event) }
    #expect(events.count == ShopperSession.eventLimit)
    #expect(events.last?.action == .left)
    #expect(session.next() == nil)
}
