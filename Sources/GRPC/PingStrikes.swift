// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Judges a peer's PING frames as gRPC does: often is fine while data flows, not without.
///
/// More than two pings that come closer than 10 s to their predecessor, with no request, data or
/// reply between, are too many. There is no absolute rate: clients that estimate bandwidth send a
/// ping per round trip while replies arrive, and such pings are paid for by the replies.
struct PingStrikes {
    static let strikesMax = 2
    static let intervalNanosecondsMin: UInt64 = 10 * nanosecondsPerSecond

    private var strikes = 0
    private var lastPing: MonotonicTime?

    /// A request or data arrived or left: earlier pings are forgiven.
    mutating func dataPassed() {
        strikes = 0
        lastPing = nil
    }

    /// A ping has arrived; false if it is one too many.
    mutating func allowsPing(now: MonotonicTime) -> Bool {
        if let lastPing, now.nanoseconds(since: lastPing) < Self.intervalNanosecondsMin {
            strikes += 1
        }
        lastPing = now
        return strikes <= Self.strikesMax
    }
}
