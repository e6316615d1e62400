// SPDX-License-Identifier: Apache-2.0

/// Whose an entity's bad event was.
enum EventSide: Sendable {
    /// The stable model's alone.
    case stable
    /// The canary's alone.
    case canary
    /// Both models' at one request, which both of them had.
    case both

    /// Where only one model had the request.
    init(_ arm: Arm) {
        self = arm == .canary ? .canary : .stable
    }
}

/// How many entities had a bad event of one kind, by whose it was.
package struct EventCounts: Equatable, Sendable {
    /// On one model alone; all of them in a split, where only one model has a request.
    package internal(set) var alone = ArmCounts()
    /// On both models at one request.
    package internal(set) var both: UInt64 = 0

    /// None.
    init() {}

    init(alone: ArmCounts, both: UInt64) {
        self.alone = alone
        self.both = both
    }

    /// How many on each model, whatever the other one did.
    package var arms: ArmCounts {
        ArmCounts(stable: alone.stable &+ both, canary: alone.canary &+ both)
    }

    /// Entities with such an event.
    package var total: UInt64 { alone.total &+ both }

    mutating func add(_ side: EventSide) {
        switch side {
        case .stable: alone.stable &+= 1
        case .canary: alone.canary &+= 1
        case .both: both &+= 1
        }
    }

    mutating func add(_ other: EventCounts) {
        alone.stable &+= other.alone.stable
        alone.canary &+= other.alone.canary
        both &+= other.both
    }
}
