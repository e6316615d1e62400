// SPDX-License-Identifier: Apache-2.0

package import Base

/// One thing that somebody has to hear of.
package struct Alarm: Hashable, Sendable {
    /// Whether it began or ended. What happens once, a rollback, is only ever raised.
    package enum State: String, Sendable {
        /// It is so from now on, or it happened.
        case raised
        /// It is no longer so.
        case cleared
    }

    /// A number that belongs to the reason.
    package struct Detail: Hashable, Sendable {
        /// What it is, with its unit: "log_evidence".
        package var name: String
        /// How much.
        package var number: Double

        /// A named number.
        package init(_ name: String, _ number: Double) {
            self.name = name
            self.number = number
        }
    }

    /// 32 hexadecimal digits, its own: who hears of it twice knows it again.
    package let id: String
    /// What it is about.
    package let kind: AlarmKind
    /// Whether it began or ended.
    package let state: State
    /// The scorer; empty if it is about none.
    package let scorer: String
    /// The rollout; 0 if it is about none.
    package let rolloutID: UInt64
    /// The model, "abandonment@2"; empty if it is about none.
    package let model: String
    /// Why, in a sentence for people.
    package let reason: String
    /// When.
    package let at: Timestamp
    /// Numbers that belong to the reason; of those with one name the first counts.
    package let details: [Detail]

    /// An alarm of now with an id of its own, unless they are given.
    package init(
        _ kind: AlarmKind, _ state: State = .raised, scorer: String = "", rolloutID: UInt64 = 0,
        model: String = "", reason: String, details: [Detail] = [], at: Timestamp = .now(),
        id: String = Alarm.makeID()
    ) {
        self.id = id
        self.kind = kind
        self.state = state
        self.scorer = scorer
        self.rolloutID = rolloutID
        self.model = model
        self.reason = reason
        self.at = at
        self.details = details
    }

    /// 128 random bits of the system as hexadecimal.
    package static func makeID() -> String {
        var system = SystemRandomNumberGenerator()
        return [system.next(), system.next()].map { (half: UInt64) in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }
}
