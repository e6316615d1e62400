// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Judges a peer's PING frames as gRPC does: often is fine while data flows, not without.
///
/// More than two pings that come closer than 10 s to their predecessor, with no data between, are
/// too many; so are more than a fixed number in any second.
struct PingStrikes {
    static let strikesMax = 2
    static let intervalNanosecondsMin: UInt64 = 10 * nanosecondsPerSecond

    private var strikes = 0
    private var lastPing: MonotonicTime?
    private var rate: RateLimit

    init(perSecondMax: Int) {
        rate = RateLimit(countMax: perSecondMax, windowNanoseconds: nanosecondsPerSecond)
    }

    /// Data or a request has arrived: earlier pings are forgiven.
    mutating func dataArrived() {
        strikes = 0
        lastPing = nil
    }

    /// A ping has arrived; false if it is one too many.
    mutating func allowsPing(now: MonotonicTime) -> Bool {
        guard rate.allowsOneMore(now: now) else { return false }
        if let lastPing, now.nanoseconds(since: lastPing) < Self.intervalNanosecondsMin {
            strikes += 1
        }
        lastPing = now
        return strikes <= Self.strikesMax
    }
}
