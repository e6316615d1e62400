// SPDX-License-Identifier: Apache-2.0

internal import Base

/// The timers of one connection, apart from its calls' deadlines.
struct SessionTimers {
    /// What has to happen when a timer is due.
    enum Action {
        case settingsTimeout, finishDrain, giveUp, idle, oldAge
    }

    private let limits: Limits
    private var settingsDeadline: MonotonicTime
    private var drainPingDeadline = MonotonicTime.distantFuture
    private var drainDeadline = MonotonicTime.distantFuture
    private var ageDeadline: MonotonicTime
    private var lastActivity: MonotonicTime
    private(set) var isDraining = false

    init(_ limits: Limits, now: MonotonicTime) {
        self.limits = limits
        lastActivity = now
        // The arrival time's low digits spread the ends of connections that began together.
        let tenth = limits.ageNanosecondsMax / 10
        let spread = tenth == 0 ? 0 : now.nanoseconds % (2 * tenth)
        ageDeadline = now.advanced(byNanoseconds: limits.ageNanosecondsMax - tenth + spread)
        settingsDeadline = now.advanced(byNanoseconds: limits.settingsTimeoutNanoseconds)
    }

    /// The peer has acknowledged our SETTINGS, which also proves that it speaks HTTP/2.
    mutating func settingsAcknowledged() {
        settingsDeadline = .distantFuture
    }

    /// A call has begun or ended.
    mutating func active(now: MonotonicTime) {
        lastActivity = now
    }

    /// The first GOAWAY and its ping are on their way.
    mutating func drainBegan(now: MonotonicTime) {
        isDraining = true
        drainPingDeadline = now.advanced(byNanoseconds: limits.drainPingNanosecondsMax)
        drainDeadline = now.advanced(byNanoseconds: limits.drainNanosecondsMax)
    }

    /// The peer has seen the first GOAWAY; true if the last one is still to be sent.
    mutating func drainPingAcknowledged() -> Bool {
        let isDue = drainPingDeadline != .distantFuture
        drainPingDeadline = .distantFuture
        return isDue
    }

    /// When the next timer is due.
    func deadline(hasCalls: Bool) -> MonotonicTime {
        var first = min(min(settingsDeadline, ageDeadline), min(drainPingDeadline, drainDeadline))
        if !hasCalls {
            first = min(first, lastActivity.advanced(byNanoseconds: limits.idleNanosecondsMax))
        }
        return first
    }

    /// The action of a timer that is due at `now`, or nil; ask again until nil.
    mutating func due(now: MonotonicTime, hasCalls: Bool) -> Action? {
        if settingsDeadline <= now {
            settingsDeadline = .distantFuture
            return .settingsTimeout
        }
        if drainPingDeadline <= now {
            drainPingDeadline = .distantFuture
            return .finishDrain
        }
        if drainDeadline <= now {
            drainDeadline = .distantFuture
            return .giveUp
        }
        if ageDeadline <= now {
            ageDeadline = .distantFuture
            return .oldAge
        }
        if !hasCalls, now.nanoseconds(since: lastActivity) >= limits.idleNanosecondsMax {
            lastActivity = now
            return .idle
        }
        return nil
    }
}
