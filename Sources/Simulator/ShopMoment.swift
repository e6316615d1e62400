// SPDX-License-Identifier: Apache-2.0

package import Base

/// One event of one session at its moment in simulated time.
package struct ShopMoment: Hashable, Sendable {
    /// The session's number, counted from 1 in order of arrival.
    package var session: Int
    /// Who does it.
    package var shopper: Shopper
    /// When the session began.
    package var start: Timestamp
    /// What happens.
    package var event: ShopEvent

    /// An event of a session that began at `start`.
    package init(session: Int, shopper: Shopper, start: Timestamp, event: ShopEvent) {
        self.session = session
        self.shopper = shopper
        self.start = start
        self.event = event
    }

    /// The id of the entity `session`.
    package var sessionID: String { "s-\(session)" }

    /// When the event happened.
    package var time: Timestamp {
        Timestamp(microseconds: start.microseconds + Int64(event.seconds * 1_000_000))
    }
}
