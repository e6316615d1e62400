// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Counts the frames that cost us work and bring no request, and says when a peer sends too many.
///
/// The formulas for PRIORITY and WINDOW_UPDATE are Envoy's: proportional to the requests and to the
/// DATA frames we have sent.
struct FrameBudget {
    private var settings: RateLimit
    private var resetsProvoked: RateLimit
    private var pings: PingStrikes
    private let priorityFramesPerRequest: Int
    private var requests = 0
    private var dataFramesSent = 0
    private var priorityFrames = 0
    private var windowUpdates = 0
    private var headerViolations = 0
    private var prematureResets = 0
    private let resetsJudgedMin: Int
    private let headerViolationsMax: Int

    init(_ limits: Limits) {
        settings = RateLimit(
            countMax: limits.settingsPerMinuteMax, windowNanoseconds: 60 * nanosecondsPerSecond)
        resetsProvoked = RateLimit(
            countMax: limits.resetsProvokedMax,
            windowNanoseconds: limits.resetsProvokedWindowSeconds * nanosecondsPerSecond)
        pings = PingStrikes()
        priorityFramesPerRequest = limits.priorityFramesPerRequest
        resetsJudgedMin = limits.resetsJudgedMin
        headerViolationsMax = limits.headerViolationsMax
    }

    mutating func requestArrived() {
        requests &+= 1
        pings.dataPassed()
    }

    mutating func dataArrived() {
        pings.dataPassed()
    }

    mutating func dataFrameSent() {
        dataFramesSent &+= 1
        pings.dataPassed()
    }

    mutating func allowsPing(now: MonotonicTime) -> Bool {
        pings.allowsPing(now: now)
    }

    mutating func allowsSettings(now: MonotonicTime) -> Bool {
        settings.allowsOneMore(now: now)
    }

    /// A stream reset of ours that the peer provoked.
    mutating func allowsProvokedReset(now: MonotonicTime) -> Bool {
        resetsProvoked.allowsOneMore(now: now)
    }

    /// The peer has reset a young stream well before its deadline; no more than half of all may be.
    mutating func allowsPrematureReset() -> Bool {
        prematureResets &+= 1
        return requests <= resetsJudgedMin || prematureResets <= requests / 2
    }

    mutating func allowsPriority() -> Bool {
        priorityFrames &+= 1
        return priorityFrames / priorityFramesPerRequest <= 1 &+ requests
    }

    mutating func allowsWindowUpdate() -> Bool {
        windowUpdates &+= 1
        return windowUpdates / 2 <= 5 &+ requests &+ 10 &* dataFramesSent
    }

    mutating func allowsHeaderViolation() -> Bool {
        headerViolations += 1
        return headerViolations < headerViolationsMax
    }
}
