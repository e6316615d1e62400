// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Simulator

/// One line of the live demo: who does what, and how likely the server thinks that he leaves.
struct TickerLine: Hashable {
    /// Cells of the meter.
    static let meterWidth = 8

    var moment: ShopMoment
    var headline: String
    var cartCents: Int
    /// The server's last score for the session; `nil` if there is none.
    var probability: Double?

    /// The line for a moment, or `nil` if the moment is not worth one: nothing in the cart, or
    /// nothing to tell. `features` are those after the moment's event.
    init?(_ moment: ShopMoment, features: SessionFeatures, probability: Double?) {
        guard features.cartItems > 0, let headline = moment.event.action.headline else {
            return nil
        }
        if case .idled = moment.event.action {
            // Of a long silence, its beginning and every second minute.
            let seconds = Int(features.secondsSinceLastAction)
            guard seconds <= ShopperSession.beaconSeconds || seconds % 120 == 0 else { return nil }
            self.headline = seconds < 120 ? headline : "silent for \(seconds / 60) minutes"
        } else {
            self.headline = headline
        }
        self.moment = moment
        self.cartCents = features.cartCents
        self.probability = probability
    }

    /// The line, 100 columns at most.
    func rendered(_ ink: Ink = .plain) -> String {
        let time = Text.clock(microseconds: moment.time.microseconds)
        let session = Text.left(moment.sessionID, max(6, moment.sessionID.count))
        let who = Text.left("\(session)  \(moment.shopper.headline)", 24)
        let money = Text.right(Text.euros(cents: cartCents), 7)
        // What a dear cart takes, the words give.
        let what = Text.left(headline, 23 + 7 - money.count)
        return [ink.paint(time, .faint), who, money, paint(what, ink), forecast(ink)]
            .joined(separator: "  ")
    }

    private func paint(_ what: String, _ ink: Ink) -> String {
        switch moment.event.action {
        case .bought: ink.paint(what, .calm)
        case .left: ink.paint(what, .alarmed)
        default: what
        }
    }

    private func forecast(_ ink: Ink) -> String {
        guard let probability else { return ink.paint("no score", .faint) }
        let meter = ink.paint(
            Text.meter(probability, width: TickerLine.meterWidth), Ink.tone(of: probability))
        let percent = Text.right(Text.percent(probability), 3)
        return "\(meter) \(percent) % \(moment.event.isLast ? "was forecast" : "likely to leave")"
    }
}
