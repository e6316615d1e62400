// SPDX-License-Identifier: Apache-2.0

/// One visit: a state machine that emits the visible events of a shopper until the end.
///
/// The hidden state is a temperament and a mood. The mood's `resolve` starts at the shopper's
/// intent and is worn down by what happens; at every step the shopper first stays or leaves, and
/// then does one of the things that make sense where he stands (one file per checkout step).
package struct ShopperSession: Sendable {
    /// Nobody stays longer than this many events.
    package static let eventLimit = 400
    /// The page's beacon reports this much idleness at a time.
    package static let beaconSeconds = 30

    /// Who shops.
    package let shopper: Shopper
    let catalogue: Catalogue
    var chance: Chance
    var mood: Mood
    var step = CheckoutStep.browsing
    /// Product numbers, in the order in which they were added.
    var cart: [Int] = []
    var discountCents = 0
    var couponAttempts = 0
    /// Products looked at, newest last, without duplicates.
    var seen: [Int] = []
    /// The product on the screen, if one is.
    var current: Int?
    var shippingCents: Int?
    private var milliseconds = 0
    private var emitted = 0
    private var beaconsLeft = 0
    private var isOver = false

    init(shopper: Shopper, catalogue: Catalogue, seed: UInt64) {
        self.shopper = shopper
        self.catalogue = catalogue
        chance = Chance(seed: seed)
        mood = Mood(resolve: shopper.temperament.intent)
    }

    /// The next event, or `nil` after the end.
    package mutating func next() -> ShopEvent? {
        if isOver { return nil }
        emitted += 1
        if emitted == 1 { return event(.pageViewed, afterSeconds: 0) }
        if emitted >= ShopperSession.eventLimit { return event(.left, afterSeconds: 1) }
        if beaconsLeft > 0 { return beacon() }
        mood.tire(patience: shopper.temperament.patience)
        switch step {
        case .browsing: return browse()
        case .cart: return reviewCart()
        case .shipping: return weighShipping()
        case .payment: return pay()
        }
    }

    /// What the goods in the cart cost, discount taken off.
    var cartCents: Int {
        max(cart.reduce(0) { $0 + catalogue.products[$1].priceCents } - discountCents, 0)
    }

    /// Whether the shopper gives up now; `base` is the log-odds for somebody without resolve.
    mutating func gives(up base: Double) -> Bool {
        chance.happens(Chance.probability(logOdds: base - 2.5 * mood.resolve))
    }

    /// An event after a pause of about `mean` seconds, at this shopper's pace.
    mutating func event(_ action: ShopEvent.Action, afterSeconds mean: Double) -> ShopEvent {
        let pause = chance.exponential(mean: mean * shopper.temperament.pace)
        milliseconds += Int(min(pause, 600) * 1_000) + (mean > 0 ? 800 : 0)
        let event = ShopEvent(seconds: Double(milliseconds) / 1_000, action: action)
        isOver = event.isLast
        return event
    }

    /// Something distracts: the first of several beacons of an idle page.
    mutating func hesitate(meanSeconds: Double) -> ShopEvent {
        let seconds = chance.exponential(mean: meanSeconds)
        beaconsLeft = 1 + Int(min(seconds, 900)) / ShopperSession.beaconSeconds
        return beacon()
    }

    private mutating func beacon() -> ShopEvent {
        beaconsLeft -= 1
        mood.resolve -= 0.1
        milliseconds += ShopperSession.beaconSeconds * 1_000
        return ShopEvent(
            seconds: Double(milliseconds) / 1_000,
            action: .idled(seconds: ShopperSession.beaconSeconds))
    }
}
