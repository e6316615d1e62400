// SPDX-License-Identifier: Apache-2.0

package import Base

/// The shop: sessions arrive with the rhythm of the day, and their events come out in time order.
///
/// A sequence that ends when the last of its `sessions` has. Two copies of a shop continue alike.
/// A session's course depends on its own seed, not on who else is there.
package struct Shop: Sequence, IteratorProtocol, Sendable {
    private struct Visit: Sendable {
        var start: Timestamp
        var session: ShopperSession
        var upcoming: ShopEvent
    }

    private let catalogue: Catalogue
    private let rhythm: ArrivalRhythm
    private var chance: Chance
    private var clientele: Clientele
    private var visits: [Int: Visit] = [:]
    private var agenda = Agenda()
    private var arrived = 0
    private var arrival: Timestamp
    private let sessions: Int

    /// Opens a shop.
    ///
    /// - Parameters:
    ///   - opening: the simulated time from which on shoppers arrive.
    ///   - sessions: how many arrive in all.
    ///   - sessionsPerHour: the mean over a day; above 0.
    ///   - customers: how many returning customers there are; above 0.
    package init(
        seed: UInt64, opening: Timestamp, sessions: Int, sessionsPerHour: Double = 600,
        customers: Int = 4_000
    ) {
        precondition(sessionsPerHour > 0)
        precondition(customers > 0)
        // Every shop sells the same; only who comes differs.
        var assortment = Chance(seed: 1)
        catalogue = Catalogue(count: 240, chance: &assortment)
        chance = Chance(seed: seed)
        rhythm = ArrivalRhythm(sessionsPerHour: sessionsPerHour)
        clientele = Clientele(count: customers, opening: opening, chance: &chance)
        self.sessions = sessions
        arrival = rhythm.arrival(after: opening, chance: &chance)
    }

    /// The next event of any session, or `nil` when everybody has gone home.
    package mutating func next() -> ShopMoment? {
        while arrived < sessions, agenda.first.map({ arrival < $0.time }) ?? true { admit() }
        guard let entry = agenda.removeFirst(), var visit = visits[entry.session] else {
            return nil
        }
        let moment = ShopMoment(
            session: entry.session, shopper: visit.session.shopper, start: visit.start,
            event: visit.upcoming)
        if let following = visit.session.next() {
            visit.upcoming = following
            visits[entry.session] = visit
            schedule(entry.session, visit)
        } else {
            visits[entry.session] = nil
            if moment.event.action == .bought, let customer = moment.shopper.customer {
                clientele.record(
                    orderOf: customer.number, cents: visit.session.cartCents, at: moment.time)
            }
        }
        return moment
    }

    /// Lets the next shopper in, about a third of them known customers.
    private mutating func admit() {
        arrived += 1
        let shopper =
            chance.happens(0.36)
            ? clientele.shopper(at: arrival, chance: &chance)
            : Shopper(customer: nil, thrift: chance.normal(), loyalty: 0, chance: &chance)
        var session = ShopperSession(shopper: shopper, catalogue: catalogue, seed: chance.bits())
        if let first = session.next() {
            let visit = Visit(start: arrival, session: session, upcoming: first)
            visits[arrived] = visit
            schedule(arrived, visit)
        }
        arrival = rhythm.arrival(after: arrival, chance: &chance)
    }

    private mutating func schedule(_ session: Int, _ visit: Visit) {
        let microseconds = visit.start.microseconds + Int64(visit.upcoming.seconds * 1_000_000)
        agenda.insert(
            Agenda.Entry(time: Timestamp(microseconds: microseconds), session: session))
    }
}
